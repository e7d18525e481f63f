# SPDX-License-Identifier: MIT
# For expect scripts that hold a conversation with stock gdb-multiarch and with the console of the Linux guest that it debugs.
# Ends the script with 77 where there is no gdb-multiarch.

source [file dirname [file normalize [info script]]]/console.tcl
if {[catch {exec sh -c "command -v gdb-multiarch"}]} { exit 77 }
set env(TERM) dumb
match_max -d 400000

# Debian's kernel of this name, and how it is started: sets guest, machine, console, the pc's name, and how many bytes a word has.
# "686-max" is 686 on a processor that has 64 bits.
proc choose_guest {name} {
    global emulator guest folder machine console pc word
    set tools [file dirname [file normalize [info script]]]/../tools
    set emulator [setting LYREBIRD $tools/../../build/release/lyrebird]
    set guest [fetched $tools/fetch-guests [lindex [split $name -] 0]]
    set folder [exec mktemp -d]
    exec $tools/make-initramfs $guest/busybox $folder/initrd
    switch $name {
        arm64 { set machine {-M virt -cpu max}; set console ttyAMA0; set pc {$pc}; set word 8 }
        686 { set machine {-M pc -cpu qemu32}; set console ttyS0; set pc {$eip}; set word 4 }
        686-max { set machine {-M pc -cpu max}; set console ttyS0; set pc {$eip}; set word 4 }
        default { set machine {-M pc -cpu max}; set console ttyS0; set pc {$rip}; set word 8 }
    }
}

# Starts the emulator with these arguments of the kernel, and options; the console is guest_id.
proc start_guest {arguments args} {
    global emulator machine console guest folder guest_id spawn_id
    spawn -noecho $emulator {*}$machine -smp 2 -m 512M -kernel $guest/vmlinuz -initrd $folder/initrd \
        -append "console=$console quiet $arguments" -nographic -gdb unix:$folder/gdb {*}$args
    set guest_id $spawn_id
    for {set i 0} {$i < 100 && ![file exists $folder/gdb]} {incr i} { after 50 }
}

# Starts GDB, has it carry out the commands, and connects it; it is gdb_id.
proc start_gdb {commands args} {
    global folder gdb_id spawn_id
    spawn -noecho gdb-multiarch -nx -q {*}$args
    set gdb_id $spawn_id
    await {\(gdb\) $} "gdb's prompt"
    foreach setting [list "set pagination off" "set confirm off" "set height 0" "set width 0" {*}$commands] { ask $setting "" }
    tell "target remote $folder/gdb"
    ask "echo connected\\n" {connected}
}

proc end_gdb {command pattern} {
    global gdb_id
    ask $command $pattern
    close -i $gdb_id
    wait -i $gdb_id
}

# Types a command and waits for the prompt. What it printed must match.
proc ask {command pattern} {
    global gdb_id expect_out spawn_id
    set spawn_id $gdb_id
    type_line $command
    await {\(gdb\) $} $command
    regsub {^[^\n]*\n} $expect_out(buffer) "" answer
    set answer [string map [list "\r" ""] $answer]
    if {$pattern ne "" && ![regexp -- $pattern $answer]} { fail "'$command' answered '$answer', which is not like '$pattern'" }
    return $answer
}

# Types a command; what GDB says by itself, in non-stop mode, may follow the prompt.
proc tell {command} {
    global gdb_id spawn_id
    set spawn_id $gdb_id
    type_line $command
    await {\(gdb\) } $command
}

# Waits for what GDB says by itself.
proc await_gdb {pattern what} {
    global gdb_id expect_out spawn_id
    set spawn_id $gdb_id
    await $pattern $what
}

# The value of an expression.
proc number {expression} {
    set answer [ask "output/u $expression" {^[0-9]+}]
    regexp {^[0-9]+} $answer value
    return $value
}

proc await_shell {} {
    global guest_id spawn_id expect_out
    set spawn_id $guest_id
    await {lyrebird:[^ ]* # } "boot to a shell"
}

proc in_guest {line pattern} {
    global guest_id spawn_id expect_out
    set spawn_id $guest_id
    type_line $line
    await $pattern $line
}

proc end_guest {} {
    global guest_id spawn_id expect_out
    set spawn_id $guest_id
    type_line "poweroff -f"
    await_exit 0
}

# The kernel is to complain of nothing that debugging could have caused.
proc expect_unharmed {} {
    global expect_out
    in_guest {dmesg | grep -E 'Oops|BUG:|stall|lockup' >/tmp/d} {lyrebird:[^ ]* # }
    in_guest {cat /tmp/d; echo end-$((40+3))} {\)\)[\r\n]+(.*)end-43}
    if {$expect_out(1,string) ne ""} { fail "the kernel complains: $expect_out(1,string)" }
}
