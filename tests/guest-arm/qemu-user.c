// SPDX-License-Identifier: MIT
#include "qemu-user.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool qemu_user_exists(void)
{
    return !system("qemu-aarch64-static --version >/dev/null 2>&1");
}

static bool put(int fd, const void *bytes, uint64_t count, uint64_t offset)
{
    return pwrite(fd, bytes, count, (off_t)offset) == (ssize_t)count;
}

static bool write_elf(int fd, const struct qemu_program *p)
{
    enum { PAGE = 0x1000 };
    uint64_t code_bytes = p->code_words * UINT64_C(4);
    uint64_t data_offset = (PAGE + code_bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    Elf64_Ehdr header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                         .e_type = ET_EXEC, .e_machine = EM_AARCH64, .e_version = EV_CURRENT, .e_entry = p->entry,
                         .e_phoff = sizeof(header), .e_ehsize = sizeof(header), .e_phentsize = sizeof(Elf64_Phdr),
                         .e_phnum = 2};
    Elf64_Phdr segments[2] = {
        {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = PAGE, .p_vaddr = p->code_at, .p_paddr = p->code_at,
         .p_filesz = code_bytes, .p_memsz = code_bytes, .p_align = PAGE},
        {.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_offset = data_offset, .p_vaddr = p->data_at,
         .p_paddr = p->data_at, .p_filesz = p->data_bytes, .p_memsz = p->data_bytes, .p_align = PAGE}};
    return put(fd, &header, sizeof(header), 0) && put(fd, segments, sizeof(segments), sizeof(header)) &&
           put(fd, p->code, code_bytes, PAGE) && put(fd, p->data, p->data_bytes, data_offset);
}

bool qemu_user_run(const struct qemu_program *p, void *out)
{
    char path[] = "/tmp/lyrebird-program-XXXXXX", command[128];
    int fd = mkstemp(path);
    if (fd < 0)
        return false;
    bool good = write_elf(fd, p);
    fchmod(fd, 0700);
    close(fd);
    snprintf(command, sizeof(command), "qemu-aarch64-static -cpu max %s 2>/dev/null", path);
    FILE *pipe = good ? popen(command, "r") : NULL;
    good = pipe && fread(out, 1, p->data_bytes, pipe) == p->data_bytes;
    if (pipe)
        good = pclose(pipe) == 0 && good;
    unlink(path);
    return good;
}
