// SPDX-License-Identifier: MIT
// What a file holds, told by its first bytes; and taking compressed kernels apart. Files are untrusted: every offset
// and size in them is checked, and expansion stops at a limit.
#pragma once

#include <stdint.h>

#include "tcg/base/error.h"

enum image_kind {
    IMAGE_RAW,         // nothing known
    IMAGE_ARM64,       // Linux Image for arm64
    IMAGE_ARM64_ZBOOT, // the same, compressed in an EFI wrapper
    IMAGE_ELF_ARM64,
    IMAGE_ELF_X86_32,
    IMAGE_ELF_X86_64,
    IMAGE_ELF_OTHER, // another machine, width or byte order
    IMAGE_GZIP,
    IMAGE_X86_LINUX, // bzImage
    IMAGE_EFI,       // some other EFI program
    IMAGE_UBOOT,     // uImage or FIT
    IMAGE_DTB,
    IMAGE_CPIO,
    IMAGE_QCOW2,
    IMAGE_DISK, // starts with a boot sector or partition table
    IMAGE_ISO,  // CD-ROM image
    IMAGE_COMPRESSED, // xz, zstd, bzip2, lz4
};

// How many bytes from the start of a file image_identify wants to see (a CD-ROM shows itself only after 32 KiB).
enum { IMAGE_HEAD_BYTES = 0x8010 };

enum image_kind image_identify(const uint8_t *data, uint64_t size);
const char *image_kind_name(enum image_kind kind); // "an x86 Linux kernel"

// Expands a gzip stream of up to `limit` bytes into memory for the caller to free. -EINVAL when it is damaged,
// -EFBIG when there is more.
int image_gunzip(const uint8_t *data, uint64_t size, uint64_t limit, uint8_t **out, uint64_t *out_size,
                 struct error *error);

// Header of a Linux Image for arm64 (the kernel's Documentation/arch/arm64/booting.rst).
struct arm64_image_info {
    uint64_t text_offset; // from a 2 MiB boundary
    uint64_t image_size;  // memory it takes, with what it clears itself
};

// Checks the header and that the file is whole.
int image_parse_arm64(const uint8_t *data, uint64_t size, struct arm64_image_info *info, struct error *error);
// The compressed kernel inside a zboot image, still compressed: -ENOTSUP when it is not gzip.
int image_parse_zboot(const uint8_t *data, uint64_t size, const uint8_t **payload, uint64_t *payload_size,
                      struct error *error);
