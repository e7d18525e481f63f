# SPDX-License-Identifier: MIT
# Hardware task switches: by JMP, CALL, INT and IRET, the busy bits and the back link, refused tasks, faults that are the
# new task's, its LDT, address space and T bit, a 16-bit TSS.
.include "protected.inc"
.set MAIN, 0x18
.set OTHER, 0x20
.set SMALL, 0x28                     # 16-bit
.set GATE, 0x30
.set LDT, 0x38
.set FAULTS, 0x40                    # the task for #TS
.set SHORT, 0x48
.set ABSENT, 0x50
start_program
    enter_protected_mode
.code32
fault_entries 11, 13

.macro expect_busy number, selector, condition
    testb $2, gdt + \selector + 5
    expect \number, \condition
.endm
# A task with the flat segments.
.macro make_task place, entry, stack
    mov $\place, %edi
    mov $26, %ecx
    xor %eax, %eax
    rep stosl
    movl $0x20000, \place + 28
    movl $\entry, \place + 32
    movl $2, \place + 36
    movl $\stack, \place + 56
    movl $0x10, \place + 72
    movl $8, \place + 76
    movl $0x10, \place + 80
    movl $0x10, \place + 84
    movl $0x10, \place + 88
    movl $0x10, \place + 92
.endm

protected:
    flat_segments
    cld
    set_fault_gates 11, 13
    set_gate 1, on_debug
    set_gate 10, 0, 0x85, FAULTS
    set_gate 0x40, 0, 0xe5, OTHER
    set_base MAIN, main_tss
    set_base OTHER, other_tss
    set_base SMALL, small_tss
    set_base FAULTS, faults_tss
    set_base SHORT, other_tss
    set_base LDT, ldt
    # paging, so that CR3 can be seen; 4 MiB is 0x30000 here and 0x31000 there
    movl $0x83, 0x20000
    movl $0x22003, 0x20004
    movl $0x30003, 0x22000
    movl $0x83, 0x21000
    movl $0x23003, 0x21004
    movl $0x31003, 0x23000
    movl $0x11111111, 0x30000
    movl $0x22222222, 0x31000
    enable_paging 0x20000
    movl $0x20000, main_tss + 28
    mov $MAIN, %ax
    ltr %ax
    expect_busy 1, MAIN, nz
    make_task faults_tss, on_ts, 0x4000

    # JMP
    make_task other_tss, jumped, 0x5000
    movl $0x12345678, other_tss + 44         # ECX
    movw $0x7777, other_tss
    mov $0xabcd, %edi
    clts
    ljmp $OTHER, $0
back_from_jump:
    expect_busy 2, MAIN, nz
    expect_busy 3, OTHER, z
    expect_eq 4, $0xabcd, %edi
    expect_eq 5, $0x7777, other_tss
    jmp by_call
jumped:
    expect_eq 10, $0x12345678, %ecx
    expect_busy 11, MAIN, z
    expect_busy 12, OTHER, nz
    str %ax
    expect_eq 13, $OTHER, %ax
    mov %cr0, %eax
    test $8, %al
    expect 14, nz
    expect_eq 15, $back_from_jump, main_tss + 32
    expect_eq 16, $0xabcd, main_tss + 68
    pushf
    pop %eax
    test $0x4000, %eax
    expect 17, z
    ljmp $MAIN, $0

    # CALL through a task gate, IRET; what comes behind IRET is done at the next call
by_call:
    make_task other_tss, called, 0x5000
    movw $OTHER, gdt + GATE + 2
    stc
    lcall $GATE, $0
    expect 20, c
    expect_busy 21, MAIN, nz
    expect_busy 22, OTHER, z
    expect_eq 23, $behind_iret, other_tss + 32
    testl $0x4000, other_tss + 36
    expect 24, z
    lcall $OTHER, $0
    expect_eq 25, $2, calls
    pushf
    pop %eax
    test $0x4000, %eax
    expect 26, z
    jmp by_interrupt
called:
    expect_busy 30, MAIN, nz
    expect_busy 31, OTHER, nz
    cmpw $MAIN, other_tss
    expect 32, e
    pushf
    pop %eax
    test $0x4000, %eax
    expect 33, nz
    incl calls
    iret
behind_iret:
    jmp called

    # INT through a task gate of the IDT, which any level may name here; an exception with an error code
by_interrupt:
    make_task other_tss, interrupted, 0x5000
    int $0x40
behind_int:
    set_gate 13, 0, 0x85, OTHER
    movl $0x1000, other_tss + 56
    movl $excepted, other_tss + 32
    mov $0xfff8, %ax
faults_here:
    mov %ax, %es
behind_fault:
    set_gate 13, fault_13
    jmp refused
interrupted:
    expect_eq 40, $behind_int, main_tss + 32
    cmpw $MAIN, other_tss
    expect 41, e
    cmp $0x5000, %esp
    expect 42, e
    iret
excepted:
    pop %eax
    expect_eq 43, $0xfff8, %eax
    cmp $0x1000, %esp
    expect 44, e
    expect_eq 45, $faults_here, main_tss + 32
    movl $behind_fault, main_tss + 32
    iret

    # refused before anything changes
refused:
    expect_fault 50, 13, MAIN, ljmp $MAIN, $0
    expect_fault 51, 13, MAIN, lcall $MAIN, $0
    expect_fault 52, 11, ABSENT, ljmp $ABSENT, $0
    expect_busy 53, MAIN, nz
    # a TSS that is too short, and a back link to what is no busy TSS: #TS in this task
    movl $1f, after_ts
    movl $-1, ts_error
    ljmp $SHORT, $0
1:  expect_eq 54, $SHORT, ts_error
    expect_eq 55, $MAIN, ts_link
    movl $1f, after_ts
    movw $OTHER, main_tss
    pushf
    orl $0x4000, (%esp)
    popf
    iret
1:  expect_eq 56, $OTHER, ts_error
    expect_eq 57, $MAIN, ts_link
    andl $~0x4000, main_tss + 36
    pushf
    andl $~0x4000, (%esp)
    popf
    flat_segments

    # the new task's faults
.macro ts_in_new_task number, error, offset, value
    make_task other_tss, jumped, 0x5000
    movl $\value, other_tss + \offset
    movl $7f, after_ts
    movl $-1, ts_error
    ljmp $OTHER, $0
7:  expect_eq \number, $\error, ts_error
    cmpl $OTHER, ts_link
    expect \number, e
    str %ax
    cmp $MAIN, %ax
    expect \number, e
.endm
    ts_in_new_task 60, 0x100, 76, 0x100      # CS
    ts_in_new_task 61, 0x10, 76, 0x10        # data
    ts_in_new_task 62, 0, 76, 0
    ts_in_new_task 63, 8, 80, 8              # SS: code
    ts_in_new_task 64, 0, 80, 0
    ts_in_new_task 65, MAIN, 96, MAIN        # the LDT is a TSS

    ts_in_new_task 66, MAIN, 84, MAIN        # data segments
    ts_in_new_task 67, 0x1000, 72, 0x1003

    # LDT, CR3
    make_task other_tss, with_ldt, 0x5000
    movl $LDT, other_tss + 96
    movl $0x0c, other_tss + 92               # GS
    movl $0x21000, other_tss + 28
    expect_eq 70, $0x11111111, 0x400000
    movl $0x20000, main_tss + 28
    lcall $OTHER, $0
    expect_eq 71, $0x11111111, 0x400000
    sldt %ax
    expect_eq 72, $0, %ax
    mov %cr3, %eax
    expect_eq 73, $0x20000, %eax
    jmp traps
with_ldt:
    sldt %ax
    expect_eq 74, $LDT, %ax
    expect_eq 75, $0x22222222, 0x400000
    mov %cr3, %eax
    expect_eq 76, $0x21000, %eax
    cmpl $0x22222222, %gs:0x1000             # its base is 0x30000
    expect 77, e
    iret

    # the T bit
traps:
    make_task other_tss, trapped, 0x5000
    movw $1, other_tss + 100
    xor %eax, %eax
    mov %eax, %dr6
    lcall $OTHER, $0
    expect_eq 80, $1, debug_traps
    jmp small
trapped:
    expect_eq 81, $1, debug_traps
    expect_eq 82, $trapped, debug_eip
    iret
on_debug:
    incl debug_traps
    mov (%esp), %eax
    mov %eax, debug_eip
    mov %dr6, %eax
    test $0x8000, %eax
    expect 83, nz
    iret

    # a 16-bit TSS; what is saved there are 16 bits
small:
    movw $in_small, small_tss + 14
    movw $2, small_tss + 16
    movw $0x4321, small_tss + 20             # CX
    movw $0x5000, small_tss + 26
    movw $0x10, small_tss + 34
    movw $8, small_tss + 36
    movw $0x10, small_tss + 38
    movw $0x10, small_tss + 40
    movl $0xffff, small_tss + 44             # beyond it
    lcall $SMALL, $0
    expect_eq 90, $0xffff, small_tss + 44
    cmpw $0x9999, small_tss + 18
    expect 91, e
    end 0
in_small:
    expect_eq 92, $0x4321, %cx
    cmpw $MAIN, small_tss
    expect 93, e
    mov $0x9999, %eax
    iret

# The task for #TS: notes whose it was and goes on at after_ts in the main task.
on_ts:
    pop ts_error
    movzwl faults_tss, %eax
    mov %eax, ts_link
    mov after_ts, %eax
    mov %eax, main_tss + 32
    andb $~2, gdt + OTHER + 5
    andb $~2, gdt + MAIN + 5
    ljmp $MAIN, $0
    jmp on_ts

begin_gdt
    segment 0, 0x67, 0x89, 0         # 18
    segment 0, 0x67, 0x89, 0         # 20
    segment 0, 0x2b, 0x81, 0         # 28
    segment 0, 0, 0x85, 0            # 30 task gate
    segment 0, 15, 0x82, 0           # 38 LDT
    segment 0, 0x67, 0x89, 0         # 40
    segment 0, 0x66, 0x89, 0         # 48
    segment 0, 0x67, 0x09, 0         # 50
fault_data 0x41
.balign 8
ldt:
    .quad 0
    segment 0x30000, 0xfffff, 0x92, 0xc
after_ts: .long 0
ts_error: .long 0
ts_link: .long 0
calls: .long 0
debug_traps: .long 0
debug_eip: .long 0
.balign 16
main_tss: .fill 104, 1, 0
other_tss: .fill 104, 1, 0
small_tss: .fill 104, 1, 0
faults_tss: .fill 104, 1, 0
