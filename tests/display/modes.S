// SPDX-License-Identifier: MIT
// A boot disk that shows one VGA mode after the other: it has the BIOS set them, then works with the registers. When a
// picture is there, its number goes to port 0xe9. With WAIT, a key is waited for then. The last thing is port 0xf4.
//
// The card that most pictures show: a frame of color 15 around the outermost pixels, diagonals of color 12, and between
// them bands of all colors, (x / 8 + y / 8) modulo their number.

    .code16
    .intel_syntax noprefix
    .text

    .macro indexed port, index, value
    mov dx, \port
    mov ax, \index | (\value) << 8
    out dx, ax
    .endm

    .macro bios mode
    mov ax, \mode
    int 0x10
    .endm

    .macro done number
    mov al, \number
    call signal
    .endm

    // Has `card` draw with a procedure that puts color AL to CX, DX.
    .macro draw width, height, plot
    mov word ptr [card_width], \width
    mov word ptr [card_height], \height
    mov word ptr [card_plot], offset \plot
    call card
    .endm

    .macro vbe index, value
    mov ax, \index
    mov dx, 0x1ce
    out dx, ax
    mov ax, \value
    inc dx
    out dx, ax
    .endm

    // Away from the code, so that its pages stay as they are.
    .equ card_width, 0x5000
    .equ card_height, 0x5002
    .equ card_plot, 0x5004
    .equ line_pixels, 0x5006
    .equ bank, 0x5008
    .equ page, 0x500a
    .equ text_row, 0x500c
    .equ text_segment, 0x500e
    .equ STACK, 0x5000

    .globl _start
_start:
    jmp 0:start
start:
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, STACK
    mov es, ax
    mov ax, 0x0200 + 15
    mov cx, 2 # the sector after this one
    xor dh, dh
    mov bx, 0x7e00
    int 0x13
    jc 0f
    cld
    jmp main
0:  hlt
    jmp 0b

    .org 510
    .word 0xaa55

main:
    call text
    call cga
    call planar
    call bytes
    call mode_x
    call large
    call deep
    mov al, 0
    out 0xf4, al
0:  hlt
    jmp 0b

// --- what the scenes use ---

// Waits until two retraces have begun, so that what was set is shown, and says that picture AL is there.
signal:
    pusha
    push ax
    mov dx, 0x3cc
    in al, dx
    mov dx, 0x3da
    test al, 1
    jnz 0f
    mov dl, 0xba
0:  mov cx, 2
1:  in al, dx
    test al, 8
    jnz 1b
2:  in al, dx
    test al, 8
    jz 2b
    loop 1b
    pop ax
    out 0xe9, al
    .if WAIT
    xor ah, ah
    int 0x16
    .endif
    popa
    ret

card:
    mov ax, 0xa000
    mov es, ax
    xor dx, dx
0:  xor cx, cx
1:  call card_color
    call [card_plot]
    inc cx
    cmp cx, [card_width]
    jne 1b
    inc dx
    cmp dx, [card_height]
    jne 0b
    ret

card_color:
    push bx
    push dx
    mov bx, cx
    inc bx
    test cx, cx
    jz 8f
    test dx, dx
    jz 8f
    cmp bx, [card_width]
    je 8f
    mov ax, dx
    inc ax
    cmp ax, [card_height]
    je 8f
    mov ax, cx
    add ax, dx
    test ax, 63
    jz 7f
    mov ax, cx
    shr ax, 3
    shr dx, 3
    add ax, dx
    jmp 9f
7:  mov al, 12
    jmp 9f
8:  mov al, 15
9:  pop dx
    pop bx
    ret

// --- 1 to 5: text ---

// Each character of code page 437, each combination of colors.
characters:
    mov es, [text_segment]
    xor di, di
    mov ax, 0x0720
    mov cx, 80 * 50
    rep stosw
    xor bx, bx
0:  mov ax, bx
    shr ax, 4
    mul byte ptr [text_row]
    mov di, ax
    mov ax, bx
    and ax, 15
    shl ax, 1
    add di, ax
    mov al, bl
    mov ah, 0x1e
    mov es:[di], ax
    mov ax, 0x0141
    mov ah, bl
    mov es:[di + 36], ax
    inc bx
    cmp bx, 256
    jne 0b
    mov ah, 1 # no cursor: it blinks
    mov cx, 0x2000
    int 0x10
    ret

// Bright backgrounds rather than blinking.
no_blink:
    mov ax, 0x1003
    xor bx, bx
    int 0x10
    ret

text:
    mov word ptr [text_row], 160
    mov word ptr [text_segment], 0xb800
    bios 0x0003
    call characters
    call no_blink
    done 1
    mov ax, 0x1112
    xor bx, bx
    int 0x10
    call characters
    done 2
    bios 0x0001
    mov byte ptr [text_row], 80
    call characters
    call no_blink
    done 3
    // Mode 7 by hand, of mode 3: SeaBIOS leaves out what is at other ports.
    bios 0x0003
    mov byte ptr [text_row], 160
    indexed 0x3ce, 0x06, 0x0a
    indexed 0x3d4, 0x14, 0x0d
    mov dx, 0x3da
    in al, dx
    mov dx, 0x3c0
    mov si, offset attributes_mono
    mov cx, 2 * 17
    rep outsb
    mov al, 0x20
    out dx, al
    mov dx, 0x3c2
    mov al, 0x66
    out dx, al
    mov word ptr [text_segment], 0xb000
    call characters
    done 4
    mov word ptr [text_segment], 0xb800
    mov dx, 0x3c2
    mov al, 0x67
    out dx, al
    bios 0x0003
    call characters
    call no_blink
    indexed 0x3d4, 0x08, 0x05 # the first row from its line 5 on
    indexed 0x3d4, 0x0d, 80 # which is the second of the page
    indexed 0x3d4, 0x18, 0x20 # lines from 0x121 on show the page from its start
    indexed 0x3d4, 0x07, 0x1f
    indexed 0x3d4, 0x09, 0x0f
    mov bl, 0x04
    call pan_upper
    done 5
    ret

// Index and value: black, normal, dark, bright; monochrome without blinking.
attributes_mono:
    .byte 0, 0, 1, 7, 2, 7, 3, 7, 4, 7, 5, 7, 6, 7, 7, 7, 8, 0x38, 9, 0x3f, 10, 0x3f, 11, 0x3f, 12, 0x3f, 13, 0x3f
    .byte 14, 0x3f, 15, 0x3f, 0x10, 0x06

// Pans by BL, and not below the split.
pan_upper:
    mov dx, 0x3da
    in al, dx
    mov dx, 0x3c0
    mov al, 0x33
    out dx, al
    mov al, bl
    out dx, al
    mov al, 0x30
    out dx, al
    inc dx
    in al, dx
    dec dx
    or al, 0x20
    out dx, al
    ret

// --- 6, 7: as CGA has it ---

// DI and the bit number that a pixel of CX << BL bits has, in ES: the odd lines are 8 KiB further on.
cga_address:
    mov ax, 0xb800
    mov es, ax
    mov di, dx
    shr di, 1
    imul di, di, 80
    test dl, 1
    jz 0f
    add di, 0x2000
0:  ret

plot_4:
    pusha
    mov bl, al
    call cga_address
    mov ax, cx
    shr ax, 2
    add di, ax
    and cl, 3
    add cl, cl
    and bl, 3
    ror bl, 2
    shr bl, cl
    or es:[di], bl
    popa
    ret

plot_6:
    pusha
    mov bl, al
    call cga_address
    mov ax, cx
    shr ax, 3
    add di, ax
    and cl, 7
    and bl, 1
    ror bl, 1
    shr bl, cl
    or es:[di], bl
    popa
    ret

cga:
    bios 0x0004
    draw 320, 200, plot_4
    done 6
    bios 0x0006
    draw 640, 200, plot_6
    done 7
    ret

// --- 8 to 11: planes ---

// Write mode 0: color by set/reset, pixel by the bit mask.
plot_planes:
    pusha
    mov bl, al
    mov di, dx
    mov ax, [card_width]
    shr ax, 3
    imul di, ax
    mov ax, cx
    shr ax, 3
    add di, ax
    and cl, 7
    mov dx, 0x3ce
    mov al, 0
    mov ah, bl
    out dx, ax
    mov ax, 0x8008
    shr ah, cl
    out dx, ax
    mov al, es:[di]
    mov es:[di], al
    popa
    ret

planes_on:
    indexed 0x3ce, 1, 0x0f
    ret

planar:
    bios 0x000d
    call planes_on
    draw 320, 200, plot_planes
    done 8
    bios 0x0012
    call planes_on
    draw 640, 480, plot_planes
    done 9
    // From the second line on, three pixels to the left; the uppermost lines once more from line 301 on.
    indexed 0x3d4, 0x0c, 0
    indexed 0x3d4, 0x0d, 80
    indexed 0x3d4, 0x18, 0x2c
    indexed 0x3d4, 0x07, 0x3e
    indexed 0x3d4, 0x09, 0x00
    mov bl, 3
    call pan_upper
    done 10
    mov ax, 0x4f02 # 800 by 600 pixels of 16 colors
    mov bx, 0x0102
    int 0x10
    call planes_on
    draw 800, 600, plot_planes
    done 11
    ret

// --- 12, 13: 320 by 200, 256 colors ---

plot_13:
    pusha
    mov di, dx
    imul di, di, 320
    add di, cx
    mov es:[di], al
    popa
    ret

bytes:
    bios 0x0013
    draw 320, 200, plot_13
    done 12
    // Another palette: red rises, blue falls, green comes and goes.
    mov dx, 0x3c8
    xor al, al
    out dx, al
    inc dx
    xor bx, bx
0:  mov al, bl
    shr al, 2
    out dx, al
    mov al, bl
    and al, 0x3f
    out dx, al
    mov al, bl
    shr al, 2
    xor al, 0x3f
    out dx, al
    inc bx
    cmp bx, 256
    jne 0b
    done 13
    ret

// --- 14 to 17: 256 colors without chains ---

plot_x:
    pusha
    mov bl, al
    mov di, dx
    mov ax, [card_width]
    shr ax, 2
    imul di, ax
    add di, [page]
    mov ax, cx
    shr ax, 2
    add di, ax
    and cl, 3
    mov ax, 0x0102
    shl ah, cl
    mov dx, 0x3c4
    out dx, ax
    mov es:[di], bl
    popa
    ret

// Rows of CRTC registers from SI on, ended by 0xffff.
set_crtc:
    mov dx, 0x3d4
0:  lodsw
    cmp ax, 0xffff
    je 1f
    out dx, ax
    jmp 0b
1:  ret

unchain:
    indexed 0x3c4, 4, 6
    indexed 0x3c4, 2, 15
    xor ax, ax
    xor di, di
    mov cx, 0x8000
    push es
    mov bx, 0xa000
    mov es, bx
    rep stosw
    pop es
    ret

mode_x:
    bios 0x0013
    call unchain
    mov dx, 0x3c2
    mov al, 0xe3
    out dx, al
    mov si, offset crtc_320x240
    call set_crtc
    mov word ptr [page], 0x4b00
    draw 320, 240, plot_x
    indexed 0x3d4, 0x0c, 0x4b
    done 14
    // Two pages, the other one below; the upper one panned by a pixel.
    mov word ptr [page], 0
    draw 320, 60, plot_x
    indexed 0x3d4, 0x18, 0x67 # from line 360 on
    indexed 0x3d4, 0x09, 0x01
    indexed 0x3d4, 0x07, 0x3e
    mov bl, 2
    call pan_upper
    done 15
    bios 0x0013
    call unchain
    mov dx, 0x3c2
    mov al, 0xe7
    out dx, al
    mov si, offset crtc_360x480
    call set_crtc
    draw 360, 480, plot_x
    done 16
    ret

crtc_320x240:
    .word 0x2c11, 0x0d06, 0x3e07, 0x4109, 0xea10, 0xac11, 0xdf12, 0x0014, 0xe715, 0x0616, 0xe317, 0xffff
crtc_360x480:
    .word 0x2c11, 0x6b00, 0x5901, 0x5a02, 0x8e03, 0x5e04, 0x8a05, 0x0d06, 0x3e07, 0x4009, 0xea10, 0xac11, 0xdf12, 0x2d13
    .word 0x0014, 0xe715, 0x0616, 0xe317, 0xffff

// --- 17, 18: VBE, 256 colors ---

// Byte AL at EDI of the framebuffer, by banks of the old window.
put_byte:
    ror edi, 16
    cmp di, [bank]
    jne 1f
0:  ror edi, 16
    mov es:[di], al
    ret
1:  push ax
    push dx
    mov dx, 0x1ce
    mov ax, 5
    out dx, ax
    inc dx
    mov ax, di
    mov [bank], ax
    out dx, ax
    pop dx
    pop ax
    jmp 0b

plot_large:
    pushad
    movzx edi, dx
    movzx ebx, word ptr [line_pixels]
    imul edi, ebx
    movzx ecx, cx
    add edi, ecx
    call put_byte
    popad
    ret

// VBE mode BX.
set_large:
    mov word ptr [bank], 0
    mov ax, 0x4f02
    int 0x10
    ret

large:
    mov bx, 0x0101
    call set_large
    mov word ptr [line_pixels], 640
    draw 640, 480, plot_large
    done 17
    // Lines of 1024 pixels, from 17, 9 on.
    mov ax, 0x4f06
    xor bx, bx
    mov cx, 1024
    int 0x10
    mov word ptr [line_pixels], 1024
    draw 700, 500, plot_large
    mov ax, 0x4f07
    xor bx, bx
    mov cx, 17
    mov dx, 9
    int 0x10
    done 18
    ret

// --- 19 to 22: VBE, true colors ---

// Red x, green y, blue their difference; a white frame.
deep_color:
    mov eax, 0xffffff
    test cx, cx
    jz 9f
    test dx, dx
    jz 9f
    cmp cx, 639
    je 9f
    cmp dx, 479
    je 9f
    xor eax, eax
    mov al, cl
    shl eax, 16
    mov ah, dl
    mov al, cl
    sub al, dl
9:  ret

// EAX in fewer bits.
to_15:
    mov ebx, eax
    shr ebx, 9
    and ebx, 0x7c00
    mov esi, eax
    shr esi, 6
    and esi, 0x03e0
    shr eax, 3
    and eax, 0x001f
    or eax, ebx
    or eax, esi
    ret

to_16:
    mov ebx, eax
    shr ebx, 8
    and ebx, 0xf800
    mov esi, eax
    shr esi, 5
    and esi, 0x07e0
    shr eax, 3
    and eax, 0x001f
    or eax, ebx
    or eax, esi
    ret

to_24:
    ret

// 640 by 480 pixels of BP bytes, which the procedure at [card_plot] makes of EAX.
deep_card:
    mov ax, 0xa000
    mov es, ax
    xor edi, edi
    xor dx, dx
0:  xor cx, cx
1:  call deep_color
    call [card_plot]
    mov bx, bp
2:  call put_byte
    inc edi
    shr eax, 8
    dec bx
    jnz 2b
    inc cx
    cmp cx, 640
    jne 1b
    inc dx
    cmp dx, 480
    jne 0b
    ret

    .macro deep_scene number, mode, bytes, convert
    mov bx, \mode
    call set_large
    mov bp, \bytes
    mov word ptr [card_plot], offset \convert
    call deep_card
    done \number
    .endm

deep:
    deep_scene 19, 0x0110, 2, to_15
    deep_scene 20, 0x0111, 2, to_16
    deep_scene 21, 0x0112, 3, to_24
    deep_scene 22, 0x0142, 4, to_24
    // The display's own registers: 648 by 300 pixels of the same memory, from its second line on, so that it slants.
    vbe 4, 0
    vbe 1, 648
    vbe 2, 300
    vbe 3, 32
    vbe 4, 0xc1 # as it is, linear
    vbe 6, 648
    vbe 8, 0
    vbe 9, 1
    done 23
    ret

    .org 8192
