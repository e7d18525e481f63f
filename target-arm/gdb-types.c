// SPDX-License-Identifier: MIT
// Types of registers in GDB's target descriptions (GDB manual, G.2): the parts of vector registers, and the fields of status
// and control registers by the manual's names.

#include "target-arm/gdb.h"

#define BIT(name, n) "<field name=\"" name "\" start=\"" #n "\" end=\"" #n "\"/>"
#define BITS(name, from, to) "<field name=\"" name "\" start=\"" #from "\" end=\"" #to "\"/>"
#define PSTATE_FIELDS                                                                                                 \
    BIT("SP", 0) BITS("EL", 2, 3) BIT("nRW", 4) BIT("F", 6) BIT("I", 7) BIT("A", 8) BIT("D", 9) BITS("BTYPE", 10, 11) \
    BIT("SSBS", 12) BIT("IL", 20) BIT("SS", 21) BIT("PAN", 22) BIT("UAO", 23) BIT("DIT", 24) BIT("V", 28)             \
    BIT("C", 29) BIT("Z", 30) BIT("N", 31)

const char arm_gdb_core_types[] = "<flags id=\"cpsr_flags\" size=\"4\">" PSTATE_FIELDS "</flags>";

#define VECTOR(id, type, count) "<vector id=\"" id "\" type=\"" type "\" count=\"" #count "\"/>"
#define MEMBER(name, type) "<field name=\"" name "\" type=\"" type "\"/>"

const char arm_gdb_fpu_types[] =
    VECTOR("v2d", "ieee_double", 2) VECTOR("v2u", "uint64", 2) VECTOR("v2i", "int64", 2)
    VECTOR("v4f", "ieee_single", 4) VECTOR("v4u", "uint32", 4) VECTOR("v4i", "int32", 4)
    VECTOR("v8bf16", "bfloat16", 8) VECTOR("v8f", "ieee_half", 8) VECTOR("v8u", "uint16", 8) VECTOR("v8i", "int16", 8)
    VECTOR("v16u", "uint8", 16) VECTOR("v16i", "int8", 16)
    VECTOR("v1u", "uint128", 1) VECTOR("v1i", "int128", 1)
    "<union id=\"vnd\">" MEMBER("f", "v2d") MEMBER("u", "v2u") MEMBER("s", "v2i") "</union>"
    "<union id=\"vns\">" MEMBER("f", "v4f") MEMBER("u", "v4u") MEMBER("s", "v4i") "</union>"
    "<union id=\"vnh\">" MEMBER("bf", "v8bf16") MEMBER("f", "v8f") MEMBER("u", "v8u") MEMBER("s", "v8i") "</union>"
    "<union id=\"vnb\">" MEMBER("u", "v16u") MEMBER("s", "v16i") "</union>"
    "<union id=\"vnq\">" MEMBER("u", "v1u") MEMBER("s", "v1i") "</union>"
    "<union id=\"aarch64v\">" MEMBER("d", "vnd") MEMBER("s", "vns") MEMBER("h", "vnh") MEMBER("b", "vnb")
    MEMBER("q", "vnq") "</union>"
    "<flags id=\"fpsr_flags\" size=\"4\">"
    BIT("IOC", 0) BIT("DZC", 1) BIT("OFC", 2) BIT("UFC", 3) BIT("IXC", 4) BIT("IDC", 7) BIT("QC", 27)
    "</flags>"
    "<flags id=\"fpcr_flags\" size=\"4\">"
    BIT("FZ16", 19) BITS("RMode", 22, 23) BIT("FZ", 24) BIT("DN", 25) BIT("AHP", 26)
    "</flags>";

const char arm_gdb_system_types[] =
    "<flags id=\"spsr_flags\" size=\"8\">" PSTATE_FIELDS "</flags>"
    "<flags id=\"esr_flags\" size=\"8\">" BITS("ISS", 0, 24) BIT("IL", 25) BITS("EC", 26, 31) "</flags>"
    "<flags id=\"sctlr_flags\" size=\"8\">"
    BIT("M", 0) BIT("A", 1) BIT("C", 2) BIT("SA", 3) BIT("SA0", 4) BIT("UMA", 9) BIT("EOS", 11) BIT("I", 12)
    BIT("EnDB", 13) BIT("DZE", 14) BIT("UCT", 15) BIT("nTWI", 16) BIT("nTWE", 18) BIT("WXN", 19) BIT("EIS", 22)
    BIT("SPAN", 23) BIT("E0E", 24) BIT("EE", 25) BIT("UCI", 26) BIT("EnDA", 27) BIT("EnIB", 30) BIT("EnIA", 31)
    BIT("BT0", 35) BIT("BT1", 36) BIT("DSSBS", 44) BIT("EPAN", 57)
    "</flags>"
    "<flags id=\"tcr_flags\" size=\"8\">"
    BITS("T0SZ", 0, 5) BIT("EPD0", 7) BITS("SH0", 12, 13) BITS("TG0", 14, 15) BITS("T1SZ", 16, 21) BIT("A1", 22)
    BIT("EPD1", 23) BITS("SH1", 28, 29) BITS("TG1", 30, 31) BITS("IPS", 32, 34) BIT("AS", 36) BIT("TBI0", 37)
    BIT("TBI1", 38) BIT("HA", 39) BIT("HD", 40) BIT("HPD0", 41) BIT("HPD1", 42) BIT("TBID0", 51) BIT("TBID1", 52)
    BIT("E0PD0", 55) BIT("E0PD1", 56) BIT("DS", 59)
    "</flags>";
