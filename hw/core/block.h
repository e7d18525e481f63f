// SPDX-License-Identifier: MIT
// A disk image as devices see it: requests go down and complete later, in any order, several at a time.
// Formats (raw file, qcow2, network) implement `struct block_ops`.
//
// The device submits with the device lock held; `done` is called with it held, on the I/O thread or out of
// block_drain. Requests and their buffers belong to the device and must stay until `done`. Data may be read
// into or from guest RAM directly, on another thread, without any lock.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "hw/core/io-loop.h"
#include "tcg/base/error.h"

enum { BLOCK_SECTOR_BYTES = 512 };

enum block_op {
    BLOCK_READ,
    BLOCK_WRITE,
    BLOCK_FLUSH,
    BLOCK_DISCARD,      // contents become undefined, space may be freed
    BLOCK_WRITE_ZEROES, // contents become zero
};

struct block_request {
    enum block_op op;
    bool may_unmap;  // WRITE_ZEROES: may free space
    uint64_t offset; // bytes
    uint64_t length; // bytes; for READ and WRITE the sum of the vector
    const struct iovec *vector;
    unsigned vector_count;
    void (*done)(struct block_request *request, int result); // 0 or negative errno
    struct block_request *next;                              // the backend's while it has the request
    int result;                                              // the backend's
};

struct block_backend;

struct block_ops {
    const char *format; // "raw", "qcow2"
    // A request whose `result` is set already has failed its checks and only needs to be completed.
    void (*submit)(struct block_backend *block, struct block_request *request);
    // Waits until nothing is in flight, calling `done` for each. Device lock held.
    void (*drain)(struct block_backend *block);
    void (*close)(struct block_backend *block); // after a drain; frees everything
};

// Embedded as the first member by each format.
struct block_backend {
    const struct block_ops *ops;
    char *id;
    uint64_t size; // bytes, whole sectors and at least one
    bool readonly;
    bool write_back; // a flush is needed for durability; false: each write is durable when done
    bool discard;    // discard and unmap reach the file (discard=unmap)
    bool temporary;  // what is written is dropped in the end
    void *user;      // the device that has claimed it, NULL when free
};

// How an image is opened.
struct block_options {
    const char *path;
    bool readonly;
    bool write_through; // cache=writethrough, directsync
    bool direct;        // cache=none: O_DIRECT where the file takes it
    bool unsafe;        // cache=unsafe: flush does nothing
    bool discard;
    bool snapshot; // writes go to a temporary file, the image stays as it is; nothing for a read-only one
};

// A file or host block device that holds the disk byte for byte; a last sector that is not whole counts as filled up with
// zeroes. Takes a lock on the file so that nobody else has it while
// one writes to it (-EAGAIN, with a message).
int block_raw_file_open(const struct block_options *options, struct io_loop *loop,
                        struct block_backend **block, struct error *error);

// Whether the request fits size and readonly: 0, -EIO or -EROFS.
int block_check(const struct block_backend *block, const struct block_request *request);
// Checks and submits. Never calls `done` before it returns.
void block_submit(struct block_backend *block, struct block_request *request);
// NULL is fine for both.
void block_drain(struct block_backend *block);
void block_close(struct block_backend *block);
