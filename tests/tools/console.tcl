# SPDX-License-Identifier: MIT
# For expect scripts that hold a conversation with a guest's console. All waits end at one deadline.

match_max 200000
set started [clock milliseconds]
log_user [expr {([info exists env(SHOW)] && $env(SHOW) == 1) || [dict exists [fconfigure stdout] -mode]}]

# An environment variable's value, or `default` where it is not set.
proc setting {name default} {
    global env
    return [expr {[info exists env($name)] && $env($name) ne "" ? $env($name) : $default}]
}

proc set_deadline {seconds} {
    global deadline
    set deadline [expr {[clock seconds] + $seconds}]
}

# Runs a script that fetches something and returns the folder that it prints. Its status 77 (skipped) ends this one, too.
proc fetched {args} {
    if {![catch {exec {*}$args} folder options]} { return $folder }
    set code [dict get $options -errorcode]
    if {[lindex $code 0] eq "CHILDSTATUS" && [lindex $code 2] == 77} { exit 77 }
    puts "FAIL: $folder"
    exit 1
}

# A line of our own, apart from the console's where that is shown.
proc say {text} { send_user "[expr {[log_user] ? "\n" : ""}]$text\n" }

proc fail {what} {
    global expect_out
    say "FAIL: $what"
    if {[info exists expect_out(buffer)]} { send_user "last output: [string range $expect_out(buffer) end-2000 end]\n" }
    catch {exec kill -KILL [exp_pid]}
    exit 1
}

proc pass {what} {
    global started
    say [format "ok: %s (%.1f s)" $what [expr {([clock milliseconds] - $started) / 1000.0}]]
}

# Waits for `pattern` (a regular expression).
proc await {pattern what} {
    global deadline expect_out spawn_id
    set timeout [expr {max(1, $deadline - [clock seconds])}]
    expect {
        -re $pattern {}
        timeout { fail "$what: nothing for too long" }
        eof { fail "$what: the emulator ended" }
        full_buffer { exp_continue }
    }
}

proc type_line {text} { send -- "$text\r" }

# Waits for the emulator's end and its exit status.
proc await_exit {wanted} {
    global deadline expect_out spawn_id
    set timeout [expr {max(1, $deadline - [clock seconds])}]
    expect {
        eof {}
        timeout { fail "end: the emulator still runs" }
        full_buffer { exp_continue }
    }
    set status [lindex [wait] 3]
    if {$status != $wanted} { fail "the emulator ended with status $status, not $wanted" }
    pass "exit status $wanted"
}
