# SPDX-License-Identifier: MIT
# Firmware that looks at what a PC board does for its processors, for every accelerator: interrupts of the 8254 and the serial port
# by the 8259s in real mode and by the I/O APIC in long mode, edges and levels; the APIC's timer; start-up of the other processors
# and messages between all; resets. It tells on the first serial port how far it came, and ends with 0x10 on port 0xf4.
#
# 64 KiB that end at 1 MiB and, as the reset vector wants, at 4 GiB.
.set BASE, 0xf0000
.set TICKS, 0x500                # counters in RAM
.set SENT, 0x504
.set STARTED, 0x508
.set MESSAGES, 0x50c
.set CPUS, 0x510
.set SERVED, 0x514
.set STACKS, 0x518
.set IDT, 0x5000
.set START_UP, 0x8000
.set TABLES, 0x20000
.set COM1, 0x3f8
.set APIC, 0xfee00000
.set IOAPIC, 0xfec00000
.set PASS, 0x7e                  # the byte of CMOS memory that counts resets
.set SHUTDOWNS, 6                # some, as what processors do in the short time until a reset is a matter of luck
.set VECTOR_TIMER, 0x40
.set VECTOR_SERIAL, 0x41
.set VECTOR_PIT, 0x42
.set VECTOR_MESSAGE, 0x43

.macro write_port port, value
    mov $\port, %dx
    mov $\value, %al
    out %al, %dx
.endm
# Until the counter is `count` or more, halted between interrupts.
.macro wait_for count, counter
1:  cli
    cmpl $\count, \counter
    jae 2f
    sti
    hlt
    jmp 1b
2:
.endm
.macro say text
    mov $\text - BASE, %esi
    call print
.endm

.code16
.globl _start
_start:
    cli
    cld
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x7000, %sp
    write_port COM1 + 3, 3
    write_port COM1 + 1, 0
    mov $PASS, %al
    out %al, $0x70
    in $0x71, %al
    cmp $SHUTDOWNS, %al
    ja after_keyboard
    test %al, %al
    jnz after_shutdown
    say text_real

    # the 8259s at 0x20 and 0x28, timer and serial port
    write_port 0x20, 0x11
    write_port 0x21, 0x20
    write_port 0x21, 4
    write_port 0x21, 1
    write_port 0xa0, 0x11
    write_port 0xa1, 0x28
    write_port 0xa1, 2
    write_port 0xa1, 1
    write_port 0xa1, 0xff
    write_port 0x21, 0xee
    movw $tick - BASE, 0x20*4
    movw $0xf000, 0x20*4 + 2
    movw $transmit - BASE, 0x24*4
    movw $0xf000, 0x24*4 + 2

    movl $0, TICKS
    write_port 0x43, 0x34        # every millisecond
    write_port 0x40, 0xa9
    write_port 0x40, 0x04
    wait_for 5, TICKS
    say text_pit
    movl $0, SENT
    write_port COM1 + 4, 8
    write_port COM1 + 1, 2
    wait_for 7, SENT
    write_port COM1 + 1, 0
    write_port 0x21, 0xff
    say text_serial

    # tables of pages: 4 GiB as they are
    mov $TABLES >> 4, %ax
    mov %ax, %es
    xor %di, %di
    mov $0x1800, %cx
    xor %eax, %eax
    rep stosl
    movl $TABLES + 0x1003, %es:0
    movl $TABLES + 0x2003, %es:0x1000
    movl $TABLES + 0x3003, %es:0x1008
    movl $TABLES + 0x4003, %es:0x1010
    movl $TABLES + 0x5003, %es:0x1018
    mov $0x2000, %di
    mov $0x83, %eax
1:  mov %eax, %es:(%di)
    movl $0, %es:4(%di)
    add $8, %di
    add $0x200000, %eax
    jnc 1b
    # the code that other processors start with
    xor %ax, %ax
    mov %ax, %es
    mov $start_up - BASE, %si
    mov $START_UP, %di
    mov $start_up_end - start_up, %cx
    rep movsb %cs:(%si), %es:(%di)
    # how many there are, by fw_cfg
    mov $0x510, %dx
    mov $5, %ax
    out %ax, %dx
    inc %dx
    in %dx, %al
    movzbl %al, %eax
    mov %eax, CPUS
    mov $first_in_long_mode, %ebx
    jmp to_long_mode

# Prints what follows SI in the code segment.
print:
    mov $COM1 + 5, %dx
1:  in %dx, %al
    test $0x20, %al
    jz 1b
    mov %cs:(%si), %al
    test %al, %al
    jz 2f
    mov $COM1, %dx
    out %al, %dx
    inc %si
    jmp print
2:  ret

tick:
    push %ax
    incl TICKS
    mov $0x20, %al
    out %al, $0x20
    pop %ax
    iret

# The transmitter is empty.
transmit:
    push %ax
    push %dx
    mov $COM1 + 2, %dx
    in %dx, %al
    and $6, %al
    cmp $2, %al                  # else an edge from before
    jne 1f
    mov $'.', %al
    mov $COM1, %dx
    out %al, %dx
    incl SENT
    cmpl $7, SENT
    jb 1f
    write_port COM1 + 1, 0
1:  mov $0x20, %al
    out %al, $0x20
    pop %dx
    pop %ax
    iret

# To EBX in long mode, with the tables of pages as they are.
to_long_mode:
    lgdtl %cs:gdtr - BASE
    mov $0x20, %eax
    mov %eax, %cr4
    mov $TABLES, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    mov $0x100, %eax
    xor %edx, %edx
    wrmsr
    mov %cr0, %eax
    or $0x80000001, %eax
    mov %eax, %cr0
    ljmpl $8, $in_long_mode

# Runs at START_UP.
start_up:
    cli
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $other_in_long_mode, %ebx
    ljmp $0xf000, $to_long_mode - BASE
start_up_end:

# After the resets, with the index of PASS in place and the number of them in AL.
after_shutdown:
    mov %al, %bl
    inc %al
    out %al, $0x71
    say text_shutdown
    cmp $SHUTDOWNS, %bl
    mov $shut_down, %ebx
    jb to_long_mode
    in $0x64, %al                # where there is no keyboard controller, that was all
    cmp $0xff, %al
    je good
    write_port 0x64, 0xfe
1:  hlt
    jmp 1b
after_keyboard:
    say text_keyboard
good:
    say text_good
    mov $0x10, %al
    out %al, $0xf4
1:  hlt
    jmp 1b

.code64
in_long_mode:
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    jmp *%rbx

print64:
    mov $COM1 + 5, %edx
1:  in %dx, %al
    test $0x20, %al
    jz 1b
    mov (%rsi), %al
    test %al, %al
    jz 2f
    mov $COM1, %edx
    out %al, %dx
    inc %rsi
    jmp print64
2:  ret
.macro say64 text
    mov $\text, %esi
    call print64
.endm
.macro write_apic register, value
    mov $APIC + \register, %edi
    movl $\value, (%rdi)
.endm
.macro write_ioapic register, value
    mov $IOAPIC, %edi
    movl $\register, (%rdi)
    movl $\value, 0x10(%rdi)
.endm
.macro set_gate vector, handler
    movw $\handler - BASE, IDT + \vector*16
    movw $8, IDT + \vector*16 + 2
    movw $0x8e00, IDT + \vector*16 + 4
    movw $BASE >> 16, IDT + \vector*16 + 6
    movq $0, IDT + \vector*16 + 8
.endm
.macro handler counter
    lock incl \counter
    push %rdi
    write_apic 0xb0, 0
    pop %rdi
    iretq
.endm

first_in_long_mode:
    mov $0x7000, %esp
    set_gate VECTOR_TIMER, timer_handler
    set_gate VECTOR_PIT, timer_handler
    set_gate VECTOR_SERIAL, serial_handler
    set_gate VECTOR_MESSAGE, message_handler
    lidt idtr
    say64 text_long
    write_apic 0xf0, 0x1ff

    # the APIC's timer, periodic
    movl $0, TICKS
    write_apic 0x3e0, 0xb
    write_apic 0x320, 0x20000 + VECTOR_TIMER
    write_apic 0x380, 1000000
    wait_for 5, TICKS
    write_apic 0x320, 0x10000
    say64 text_timer

    # the 8254 is at pin 2 of the I/O APIC
    movl $0, TICKS
    write_ioapic 0x15, 0
    write_ioapic 0x14, VECTOR_PIT
    wait_for 5, TICKS
    write_ioapic 0x14, 0x10000
    say64 text_pit

    # the serial port at pin 4, as a level
    movl $0, SENT
    write_ioapic 0x19, 0
    write_ioapic 0x18, 0x8000 + VECTOR_SERIAL
    write_port COM1 + 1, 2
    wait_for 7, SENT
    write_ioapic 0x18, 0x10000
    say64 text_serial

    # the others
    movl $0, STARTED
    movl $0, STACKS
    movl $0, MESSAGES
    write_apic 0x310, 0
    write_apic 0x300, 0xc4500    # INIT
    write_apic 0x300, 0xc4600 + START_UP >> 12
    mov CPUS, %ebx
    dec %ebx
1:  pause
    cmp STARTED, %ebx
    jne 1b
    say64 text_started
    write_apic 0x300, 0xc4000 + VECTOR_MESSAGE
1:  pause
    cmp MESSAGES, %ebx
    jne 1b
    write_apic 0x300, 0x44000 + VECTOR_MESSAGE   # to itself
    inc %ebx
1:  cli
    cmp MESSAGES, %ebx
    je 2f
    sti
    hlt
    jmp 1b
2:  say64 text_messages

    mov $PASS, %al
    out %al, $0x70
    mov $1, %al
    out %al, $0x71
shut_down:                       # with no handlers the fault of UD2 has nowhere to go, and the double fault neither
    lidt no_idtr
    ud2

other_in_long_mode:
    lidt idtr
    mov $1, %esp
    lock xadd %esp, STACKS
    inc %esp
    shl $12, %esp
    add $0x30000, %esp
    write_apic 0xf0, 0x1ff       # only now it takes messages
    lock incl STARTED
1:  sti
    hlt
    jmp 1b

timer_handler:
    handler TICKS
message_handler:
    handler MESSAGES
serial_handler:
    push %rax
    push %rdx
    mov $COM1 + 2, %edx
    in %dx, %al
    and $6, %al
    cmp $2, %al                  # hosts may end a level early, and then there is one too many
    jne 1f
    mov $'.', %al
    mov $COM1, %edx
    out %al, %dx
    lock incl SENT
    cmpl $7, SENT
    jb 1f
    write_port COM1 + 1, 0
1:  pop %rdx
    pop %rax
    handler SERVED

.balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff     # accessed: nobody has to write to ROM
    .quad 0x00cf93000000ffff
gdtr:
    .word 23
    .long gdt
idtr:
    .word 0xfff
    .quad IDT
no_idtr:
    .word 0
    .quad 0
text_real: .asciz "real mode\n"
text_long: .asciz "long mode\n"
text_pit: .asciz "8254\n"
text_serial: .asciz " serial port\n"
text_timer: .asciz "APIC timer\n"
text_started: .asciz "processors started\n"
text_messages: .asciz "messages\n"
text_shutdown: .asciz "reset by shutdown\n"
text_keyboard: .asciz "reset by the keyboard controller\n"
text_good: .asciz "good\n"

.org 0xfff0
.code16
    ljmp $0xf000, $_start - BASE
.org 0xffff
    .byte 0
