# SPDX-License-Identifier: MIT
# System management mode: the state on entry, what RSM restores of real, 32-bit and 64-bit mode, a second SMI and an NMI
# meanwhile, an SMI in HLT, another SMBASE. WIDE: the processor has long mode, and the save area its form. HALT: it goes back into HLT,
# which Linux's KVM does not.
.if WIDE
.include "faults64.inc"
.set AT_REVISION, 0xfefc
.set AT_SMBASE, 0xff00
.set AT_HALT, 0xfec9
.set AT_IP, 0xff78
.set AT_CR3, 0xff50
.else
.include "protected.inc"
.set AT_REVISION, 0xfefc
.set AT_SMBASE, 0xfef8
.set AT_HALT, 0xff02
.set AT_IP, 0xfff0
.set AT_CR3, 0xfff8
.endif
start_program
    # the handler, at both SMBASEs
    mov $handler, %si
    mov $0x3800, %ax
    mov %ax, %es
    xor %di, %di
    mov $handler_end - handler, %cx
    rep movsb
    mov $handler, %si
    mov $0x5800, %ax
    mov %ax, %es
    xor %di, %di
    mov $handler_end - handler, %cx
    rep movsb
    set_vector 2, on_nmi

    # from real mode, and back
    mov $0x1234, %ax
    mov %ax, %fs
    movl $0xdeadbeef, %ebp
    stc
    out %al, $0xf7
    nop
    expect 1, c
    expect_eq 2, $0xdeadbeef, %ebp
    expect_eq 3, $1, entries
    expect_eq 4, $0x3000, smm_cs
    mov %fs, %ax
    expect_eq 5, $0x1234, %ax
    mov seen_cr0, %eax
    and $0x8000000d, %eax            # PG, TS, EM, PE
    expect 6, z
    expect_eq 7, $2, seen_flags
    cmpl $0, seen_cr4
    expect 8, e
    cmpl $0x400, seen_dr7
    expect 9, e
    testl $0x20000, seen_revision    # SMBASE moves
    expect 10, nz
    cmpl $0x30000, seen_smbase
    expect 11, e
    cmpb $0, seen_halt
    expect 12, e
    cmpl $0x600d600d, seen_far       # segments of 4 GiB
    expect 13, e

    # a second SMI in the handler comes after RSM, and so does an NMI
    movb $1, again
    out %al, $0xf7
    nop
    expect_eq 14, $3, entries
    expect_eq 15, $1, most_nested
    movb $2, again
    out %al, $0xf7
    nop
    expect_eq 16, $4, entries
    expect_eq 17, $1, nmis
    cmpb $0, nmi_inside
    expect 18, e
    # in the handler of an NMI: RSM does not let the next NMI in
    movb $1, smi_in_nmi
    out %al, $0xf6
    nop
    expect_eq 19, $3, nmis
    expect_eq 20, $0, nested_nmis
    expect_eq 21, $5, entries

.if HALT
    # in HLT: RSM goes back into it, so that the NMI is needed too, unless the handler says otherwise
    mov $0x21, %al
    out %al, $0xf8
    hlt
    expect_eq 22, $6, entries
    expect_eq 23, $4, nmis
    cmpb $1, seen_halt
    expect 24, e
    movb $2, again                   # the handler asks for an NMI
    mov $1, %al
    out %al, $0xf8
    hlt
    expect_eq 25, $7, entries
    expect_eq 26, $5, nmis
    movb $3, again
    mov $1, %al
    out %al, $0xf8
    hlt
    expect_eq 31, $8, entries
    expect_eq 32, $5, nmis
.endif
    jmp more

on_nmi:
    incw nmis
    incw nested
    cmpw $1, nested
    je 1f
    incw nested_nmis
1:  push %ax
    mov in_smm, %al
    or %al, nmi_inside
    cmpb $0, smi_in_nmi
    je 1f
    movb $0, smi_in_nmi
    out %al, $0xf6
    out %al, $0xf7
    nop
    nop
1:  pop %ax
    decw nested
    iret

more:
    # SMBASE moves to 0x50000 with the next RSM
    movl $0x50000, new_smbase
    out %al, $0xf7
    nop
    expect_eq 27, $0x3000, smm_cs
    movl $0, new_smbase
    out %al, $0xf7
    nop
    expect_eq 28, $0x5000, smm_cs
    cmpl $0x50000, seen_smbase
    expect 29, e
    # RSM is no instruction outside
    set_vector 6, on_ud
    rsm
    expect_eq 30, $1, uds
    movw $0, entries

.if WIDE
    begin_tables
    map_2_mib
    enter_long_mode 0x20, 0, 0
.code64
long_mode:
    flat_segments
    mov $0x123456789abcdef0, %r15
    mov $0xfedcba9876543210, %rbp
    mov $0xc0000101, %ecx
    mov $0x5678, %eax
    mov $0xffff8000, %edx
    wrmsr
    mov $0x8877665544332211, %r8
    mov %r8, %cr2
    out %al, $0xf7
    nop
    expect_eq 40, $1, entries
    mov $0x123456789abcdef0, %rax
    cmp %rax, %r15
    expect 41, e
    mov $0xfedcba9876543210, %rax
    cmp %rax, %rbp
    expect 42, e
    mov $0xc0000101, %ecx
    rdmsr
    cmp $0xffff8000, %edx
    expect 43, e
    mov %cr2, %rax
    cmp %rax, %r8
    expect 44, e
    mov $0xc0000080, %ecx
    rdmsr
    and $0x500, %eax
    cmp $0x500, %eax
    expect 45, e
    mov %cr4, %rax
    test $0x20, %al
    expect 46, nz
    mov %cs, %eax
    cmp $8, %ax
    expect 47, e
    testl $0x500, seen_efer
    expect 48, z
    cmp $0x7000, %rsp
    expect 49, e
.else
    enter_protected_mode
.code32
fault_entries 13
protected:
    flat_segments
    movl $0x83, 0x21000
    enable_paging 0x21000
    mov $0x18, %ax
    mov %ax, %fs                     # a limit of 0xfff
    set_fault_gates 13
    mov $0xcafebabe, %ebp
    out %al, $0xf7
    nop
    expect_eq 40, $1, entries
    expect_eq 41, $0xcafebabe, %ebp
    mov %cr3, %eax
    expect_eq 42, $0x21000, %eax
    mov %cr0, %eax
    and $0x80000001, %eax
    expect_eq 43, $0x80000001, %eax
    mov %cr4, %eax
    test $0x10, %al
    expect 44, nz
    mov %fs:0xfff, %al
    expect_fault 45, 13, 0, mov %fs:0x1000, %al
    mov %cs, %eax
    expect_eq 46, $8, %ax
    cmp $0x7000, %esp
    expect 47, e
.endif
    end 0

# At SMBASE + 0x8000. DS is 0 as all segments but CS are.
.code16
handler:
    mov $0x55aa, %sp
    incw entries
    incw nested_smm
    mov nested_smm, %ax
    cmp most_nested, %ax
    jbe 1f
    mov %ax, most_nested
1:  movb $1, in_smm
    mov %cs, smm_cs
    mov %cr0, %eax
    mov %eax, seen_cr0
    mov %cr4, %eax
    mov %eax, seen_cr4
    mov %dr7, %eax
    mov %eax, seen_dr7
.if WIDE
    mov $0xc0000080, %ecx
    rdmsr
    mov %eax, seen_efer
.endif
    mov %cs:AT_REVISION, %eax
    mov %eax, seen_revision
    mov %cs:AT_SMBASE, %eax
    mov %eax, seen_smbase
    mov %cs:AT_HALT, %al
    mov %al, seen_halt
    mov $0x7000, %sp
    sub $0x100, %sp
    pushfl
    pop %eax
    # what arithmetic above has set does not count
    and $0xfffff72a, %eax
    mov %eax, seen_flags
    movl $0x150000, %ebx
    movl $0x600d600d, (%ebx)
    mov (%ebx), %eax
    mov %eax, seen_far
    mov new_smbase, %eax
    test %eax, %eax
    jz 1f
    mov %eax, %cs:AT_SMBASE
1:  cmpb $1, again
    jne 1f
    movb $0, again
    out %al, $0xf7
    nop
    nop
1:  cmpb $2, again
    jne 1f
    movb $0, again
    out %al, $0xf6
    nop
    nop
1:  cmpb $3, again
    jne 1f
    movb $0, again
    movb $0, %cs:AT_HALT
1:  decw nested_smm
    movb $0, in_smm
    xor %ebp, %ebp
    mov %ebp, %ebx
    mov %ax, %fs
    rsm
handler_end:

on_ud:
    incw uds
    push %bp
    mov %sp, %bp
    addw $2, 2(%bp)
    pop %bp
    iret

.balign 8
entries: .word 0
nested_smm: .word 0
most_nested: .word 0
smm_cs: .word 0
nmis: .word 0
nested: .word 0
nested_nmis: .word 0
uds: .word 0
again: .byte 0
in_smm: .byte 0
nmi_inside: .byte 0
smi_in_nmi: .byte 0
seen_halt: .byte 0
.balign 4
seen_cr0: .long 0
seen_cr4: .long 0
seen_dr7: .long 0
seen_efer: .long 0
seen_flags: .long 0
seen_revision: .long 0
seen_far: .long 0
seen_smbase: .long 0
new_smbase: .long 0
begin_gdt
    segment 0, 0xfff, 0x92, 0x4      # 18
fault_data
