# SPDX-License-Identifier: MIT
# Firmware that looks at what memory a PC board shows in system management mode: SMBASE moves to SMRAM below VGA memory, which only
# an SMI's handler sees when it is closed; ports, devices and RAM are there for both; a Q35 hides the end of RAM (TSEG), too. It ends
# with 0x10 on port 0xf4, with 0x11 where the board says that there is no such mode, else with the number of what failed.
#
# 64 KiB that end at 1 MiB and, as the reset vector wants, at 4 GiB.
.include "check.inc"
.set BASE, 0xf0000
.set ENTRIES, 0x500              # in RAM
.set FOUND, 0x504                # what the handler has seen: at SECRET, in the I/O APIC, in TSEG
.set FOUND_VERSION, 0x508
.set FOUND_HIDDEN, 0x50c
.set CONTROL, 0x510              # PCI configuration address of the SMRAM register, and of the next one
.set PM_BASE, 0x600
.set SMBASE, 0xa0000
.set SECRET, 0x10                # places in SMRAM
.set COUNT, 0x14
.set IOAPIC, 0xfec00000
.set TSEG, 0x3f00000             # the last of 64 MiB
.set APM_COMMAND, 0xb2

.macro config_address place
    mov $0xcf8, %dx
    mov \place, %eax
    out %eax, %dx
.endm
.macro smram value
    config_address CONTROL
    mov CONTROL + 4, %dx
    mov $\value, %al
    out %al, %dx
.endm
.macro raise_smi
    xor %al, %al
    out %al, $APM_COMMAND
    nop
.endm

start_program
    movl $0, ENTRIES
    # segments of 4 GiB for DS
    lgdtl %cs:gdtr - BASE
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    mov $0x10, %bx
    mov %bx, %ds
    and $0xfe, %al
    mov %eax, %cr0
    mov %cx, %ds
    xor %bx, %bx
    mov %bx, %ds

    config_address $0x80000000
    mov $0xcfc, %dx
    in %dx, %eax
    shr $16, %eax
    cmp $0x1237, %ax
    je i440fx
    cmp $0x29c0, %ax
    je q35
    end 1

i440fx:
    movl $0x80000070, CONTROL
    movl $0xcfe, CONTROL + 4     # 0x72
    config_address $0x80000b58   # DEVACTB of the power management at 1.3
    mov $0xcfc, %dx
    in %dx, %eax
    test $0x2000000, %eax        # APMC_EN
    jnz no_smm
    or $0x2000000, %eax
    out %eax, %dx
    jmp relocate
q35:
    movl $0x8000009c, CONTROL
    movl $0xcfd, CONTROL + 4     # 0x9d
    config_address $0x8000f840   # PMBASE of the bridge at 1f.0, and ACPI_CNTL
    mov $PM_BASE + 1, %eax
    mov $0xcfc, %dx
    out %eax, %dx
    config_address $0x8000f844
    mov $0xcfc, %dx
    mov $0x80, %al
    out %al, %dx
    mov $PM_BASE + 0x30, %dx
    in %dx, %eax
    test $0x20, %al              # APMC_EN
    jnz no_smm
    mov $0x21, %eax              # and GBL_SMI_EN
    out %eax, %dx

relocate:
    mov $mover - BASE, %si
    mov $0x3800, %ax
    mov %ax, %es
    xor %di, %di
    mov $mover_end - mover, %cx
    rep movsb %cs:(%si), %es:(%di)
    raise_smi
    expect_eq 2, $1, ENTRIES

    # SMRAM is filled while it is open
    smram 0x4a
    mov $0xa800, %ax
    mov %ax, %es
    mov $handler - BASE, %si
    xor %di, %di
    mov $handler_end - handler, %cx
    rep movsb %cs:(%si), %es:(%di)
    addr32 movl $0x5ec4e7, SMBASE + SECRET
    addr32 movl $7, SMBASE + COUNT
    addr32 cmpl $0x5ec4e7, SMBASE + SECRET
    expect 3, e
    smram 0x0a
    # and nobody's when it is closed
    addr32 cmpl $0x5ec4e7, SMBASE + SECRET
    expect 4, ne
    addr32 movl $0xbad, SMBASE + SECRET
    movl $0, FOUND
    raise_smi
    expect_eq 5, $2, ENTRIES
    cmpl $0x5ec4e7, FOUND
    expect 6, e
    addr32 cmpl $8, SMBASE + COUNT
    expect 7, ne
    # the I/O APIC as from here
    addr32 movl $1, IOAPIC
    addr32 mov IOAPIC + 0x10, %eax
    cmp FOUND_VERSION, %eax
    expect 8, e
    test %al, %al
    expect 9, nz
    # what the first has left is there for the second
    raise_smi
    smram 0x4a
    addr32 cmpl $9, SMBASE + COUNT
    expect 10, e
    cmpl $0x80000070, CONTROL
    je locked
    # the last MiB of RAM
    smram 0x0a
    addr32 movl $0x7e5e6, TSEG
    config_address CONTROL
    mov $0xcfe, %dx              # ESMRAMC
    mov $1, %al
    out %al, %dx
    addr32 cmpl $0x7e5e6, TSEG
    expect 12, ne
    raise_smi
    cmpl $0x7e5e6, FOUND_HIDDEN
    expect 13, e
    addr32 cmpl $0x7e5e6, TSEG
    expect 14, ne
locked:
    smram 0x1a
    smram 0x4a                   # too late
    addr32 cmpl $9, SMBASE + COUNT
    expect 11, ne
    end 0x10
no_smm:
    end 0x11

# At 0x38000.
mover:
    incl ENTRIES
    cmpw $0x64, %cs:0xfefc       # the form of the save area
    mov $0xff00, %bx
    je 1f
    mov $0xfef8, %bx
1:  movl $SMBASE, %cs:(%bx)
    rsm
mover_end:

# At SMBASE + 0x8000.
handler:
    incl ENTRIES
    mov %cs:SECRET, %eax
    mov %eax, FOUND
    incl %cs:COUNT
    mov $IOAPIC, %ebx
    movl $1, (%ebx)
    mov 0x10(%ebx), %eax
    mov %eax, FOUND_VERSION
    mov $TSEG, %ebx
    mov (%ebx), %eax
    mov %eax, FOUND_HIDDEN
    rsm
handler_end:

.balign 8
gdt:
    .quad 0
    .quad 0x00009b000000ffff
    .quad 0x00cf93000000ffff
gdtr:
    .word 23
    .long gdt

.org 0xfff0
    ljmp $0xf000, $_start - BASE
.org 0xffff
    .byte 0
