# SPDX-License-Identifier: MIT
# Reads what tests/bench/compare has collected, in files named about ("KEY VALUE", first), qemu, lyrebird and native
# ("ITEM MILLISECONDS CHECKSUM", a line for each round, the checksum of what failed being "failed"; native may be empty or
# without whole groups), prints the tables and, if the variable
# json names a file, writes that. The status is 1 if an item is missing or checksums differ.
function median(list,  n, v, i, k, t) {
    n = split(list, v, " ")
    for (i = 2; i <= n; i++)
        for (k = i; k > 1 && v[k - 1] + 0 > v[k] + 0; k--) {
            t = v[k]
            v[k] = v[k - 1]
            v[k - 1] = t
        }
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function group_of(item) {
    sub(/\/.*/, "", item)
    return item
}

function complain(text) {
    print text
    bad = 1
}

# Of times that may be 0 by rounding.
function quotient(a, b) {
    return (a > 0.001 ? a : 0.001) / (b > 0.001 ? b : 0.001)
}

function string(text) {
    gsub(/[[:cntrl:]]/, " ", text)
    gsub(/["\\]/, "\\\\&", text)
    return "\"" text "\""
}

function number(value, digits) {
    return value == "" ? "null" : sprintf("%.*f", digits, value)
}

{ source = FILENAME; sub(/.*\//, "", source) }

source == "about" {
    key = $1
    sub(/^[^ ]* ?/, "")
    about[key] = $0
    next
}

$3 == "failed" {
    complain($1 " failed under " source)
    next
}

{
    times[source, $1] = times[source, $1] " " $2
    if (!((source, $1) in sums))
        sums[source, $1] = $3
    else if (sums[source, $1] != $3)
        complain("checksum of " $1 " differs between rounds of " source)
    ran[source] = 1
    ran[source, group_of($1)] = 1
    if (!($1 in seen)) {
        seen[$1] = 1
        items[++count] = $1
    }
}

function compare_item(item,  group) {
    group = group_of(item)
    if (!(group in members))
        groups[++kinds] = group
    members[group]++
    if (!(("qemu", item) in times) || !(("lyrebird", item) in times)) {
        complain(item ": missing under " ((("qemu", item) in times) ? "Lyrebird" : "QEMU"))
        members[group]--
        return
    }
    if (sums["qemu", item] != sums["lyrebird", item])
        complain("checksum of " item " differs: " sums["qemu", item] " under QEMU and " sums["lyrebird", item])
    ms["qemu", item] = median(times["qemu", item])
    ms["lyrebird", item] = median(times["lyrebird", item])
    ratio[item] = quotient(ms["qemu", item], ms["lyrebird", item])
    logs[group] += log(ratio[item])
    if (!ran["native", group] || item == "boot")
        return
    if (!(("native", item) in times)) {
        complain(item ": missing on the host")
        return
    }
    if (sums["native", item] != sums["lyrebird", item])
        complain("checksum of " item " differs: " sums["native", item] " on the host and " sums["lyrebird", item])
    ms["native", item] = median(times["native", item])
    slowdown[item] = quotient(ms["lyrebird", item], ms["native", item])
    slow_logs[group] += log(slowdown[item])
    slow_members[group]++
}

function print_tables(  i, item, group) {
    print about["qemu"]
    printf "%-22s %12s %12s %8s", "item", "QEMU ms", "Lyrebird ms", "ratio"
    print ran["native"] ? sprintf(" %12s %9s", "native ms", "slowdown") : ""
    for (i = 1; i <= count; i++) {
        item = items[i]
        if (!(item in ratio))
            continue
        printf "%-22s %12.1f %12.1f %8.2f", item, ms["qemu", item], ms["lyrebird", item], ratio[item]
        print item in slowdown ? sprintf(" %12.1f %9.2f", ms["native", item], slowdown[item]) : ""
    }
    for (i = 1; i <= kinds; i++) {
        group = groups[i]
        if (!members[group])
            continue
        printf "geometric mean %-14s %.2f", group, exp(logs[group] / members[group])
        if (slow_members[group])
            printf ", slowdown %.2f", exp(slow_logs[group] / slow_members[group])
        printf " (medians of %d)\n", about["rounds"]
    }
}

function checksum_fields(item,  text, i, programs, n) {
    n = split("qemu lyrebird native", programs, " ")
    for (i = 1; i <= n; i++)
        if ((programs[i], item) in sums)
            text = text (text == "" ? "" : ", ") string(programs[i]) ": " string(sums[programs[i], item])
    return "{" text "}"
}

function write_json(file,  i, item, group, keys, n) {
    print "{" >file
    n = split("guest date host_cpu host_kernel qemu lyrebird commit compiler flags", keys, " ")
    for (i = 1; i <= n; i++)
        printf "  %s: %s,\n", string(keys[i]), string(about[keys[i]]) >file
    n = split("host_cpus rounds smp", keys, " ")
    for (i = 1; i <= n; i++)
        printf "  %s: %d,\n", string(keys[i]), about[keys[i]] >file
    printf "  \"complete\": %s,\n  \"items\": [\n", bad ? "false" : "true" >file
    for (i = 1; i <= count; i++) {
        item = items[i]
        printf "    {\"name\": %s, \"group\": %s, \"qemu_ms\": %s, \"lyrebird_ms\": %s, \"native_ms\": %s, ", string(item),
            string(group_of(item)), number(ms["qemu", item], 3), number(ms["lyrebird", item], 3),
            number(ms["native", item], 3) >file
        printf "\"ratio\": %s, \"slowdown\": %s, \"checksums\": %s}%s\n", number(ratio[item], 4), number(slowdown[item], 4),
            checksum_fields(item), i < count ? "," : "" >file
    }
    print "  ],\n  \"groups\": [" >file
    for (i = 1; i <= kinds; i++) {
        group = groups[i]
        printf "    {\"name\": %s, \"items\": %d, \"ratio\": %s, \"slowdown\": %s}%s\n", string(group), members[group],
            number(members[group] ? exp(logs[group] / members[group]) : "", 4),
            number(slow_members[group] ? exp(slow_logs[group] / slow_members[group]) : "", 4), i < kinds ? "," : "" >file
    }
    print "  ]\n}" >file
    if (close(file)) {
        print "compare: cannot write " file
        bad = 1
    }
}

END {
    for (i = 1; i <= count; i++)
        compare_item(items[i])
    print_tables()
    if (json != "")
        write_json(json)
    exit bad
}
