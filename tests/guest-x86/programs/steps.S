# SPDX-License-Identifier: MIT
# Single steps in real mode: over MOV SS and POP SS, POPF, INT, IRET, REP, STI, HLT, faults and jumps. Each trap notes its IP.
.include "check.inc"
# The IPs of the traps that must have come, in order.
.macro expect_steps number, places:vararg
    mov $7f, %si
    mov $trace, %di
    mov $6f - 7f, %cx
    mov trace_end, %ax
    sub %di, %ax
    cmp %ax, %cx
    expect \number, e
    repe cmpsb
    expect \number, e
    movw $trace, trace_end
    jmp 6f
7:  .word \places
6:
.endm
.macro step_on
    pushw $0x102
    popf
.endm
# As an instruction of one byte: INT3, whose handler clears TF. The trap before it is seen.
.macro step_off
    int3
.endm
start_program
    set_vector 1, on_step
    set_vector 3, on_int3
    set_vector 0x40, on_int
    set_vector 2, on_nmi
    set_vector 6, on_ud
    set_vector 0x50, on_int

    # POPF that sets TF: not behind itself; POPF that clears it: behind itself
    step_on
    nop
a1: nop
a2: pushw $2
a3: popf
a4: nop
    expect_steps 1, a1, a2, a3, a4

    # MOV SS and POP SS take the next instruction with them
    xor %ax, %ax
    step_on
    mov %ax, %ss
    nop
b1: nop
b2: push %ss
b3: pop %ss
    nop
b4: step_off
    expect_steps 2, b1, b2, b3, b4
    # other segments do not
    xor %ax, %ax
    step_on
    mov %ax, %es
c1: nop
c2: step_off
    expect_steps 3, c1, c2

    # INT: not in the handler; the next trap is behind the instruction after it
    step_on
    nop
d1: int $0x40
    nop
d2: nop
d3: step_off
    expect_steps 4, d1, d2, d3
    # INT sees TF in the flags that it pushes
    testw $0x100, int_flags
    expect 5, nz

    # REP: each round, at the instruction itself while there are more
    mov $0x3000, %di
    mov $3, %cx
    step_on
e1: rep stosb
e2: step_off
    expect_steps 6, e1, e1, e2
    mov $0x3000, %di
    xor %cx, %cx
    step_on
    rep stosb
e3: step_off
    expect_steps 7, e3
    # REPE SCASB that ends early
    movw $0x0000, 0x3000
    movb $1, 0x3002
    mov $0x3000, %di
    mov $9, %cx
    xor %al, %al
    step_on
e4: repe scasb
e5: step_off
    expect_steps 8, e4, e4, e5

    # jumps, taken and not; calls; LOOP
    mov $2, %cx
    step_on
f1: loop f1
f2: jmp f3
    nop
f3: call f4
f4: pop %ax
f5: step_off
    expect_steps 9, f1, f2, f3, f4, f5

    # STI does not hold traps off
    step_on
    sti
g1: nop
g2: cli
g3: step_off
    expect_steps 10, g1, g2, g3

    # HLT: the trap ends it
    step_on
    nop
h1: hlt
h2: step_off
    expect_steps 11, h1, h2

    # a fault: no trap for the instruction, and none in the handler, which goes on behind it with TF
    step_on
    nop
i1: ud2
    nop
i2: step_off
    expect_steps 12, i1, i2

    # an interrupt from outside comes behind the trap
    step_on
    mov $0x50, %al
j1: out %al, $0xf5
j2: sti
j3: nop
j4: cli
j5: step_off
    expect_steps 13, j1, j2, j3, j4, j5
    # IRET that sets TF
    pushw $0x102
    pushw $0
    pushw $k1
    iret
k1: nop
k2: step_off
    expect_steps 14, k2

    # instructions across pages, and a store into the next instruction
    mov $0x3ffe, %di
    movl $0x00012590, %eax           # nop
    movw $0xb890, (%di)              # nop; mov $0x1234, %ax
    movl $0xc31234, 2(%di)           # ret
    step_on
    call *%di
l1: step_off
    expect_steps 15, 0x3ffe, 0x3fff, 0x4002, l1
    step_on
    movb $0x41, m1                   # inc %cx
m1: nop
m2: step_off
    expect_steps 16, m1, m2
    end 0

on_step:
    push %bp
    mov %sp, %bp
    push %ax
    push %di
    mov trace_end, %di
    mov 2(%bp), %ax
    mov %ax, (%di)
    addw $2, trace_end
    pop %di
    pop %ax
    pop %bp
    iret
on_int3:
    push %bp
    mov %sp, %bp
    andw $~0x300, 6(%bp)
    pop %bp
    iret
on_int:
    push %bp
    mov %sp, %bp
    push %ax
    mov 6(%bp), %ax
    mov %ax, int_flags
    pop %ax
    pop %bp
    iret
on_nmi:
    iret
on_ud:
    push %bp
    mov %sp, %bp
    addw $2, 2(%bp)
    pop %bp
    iret
.balign 2
trace_end: .word trace
int_flags: .word 0
trace: .fill 64, 2, 0
