// SPDX-License-Identifier: MIT
// IEEE 754 arithmetic on unpacked numbers: sign, exponent, and a 64-bit fraction whose highest bit is the leading one.
// Bits that fall off are kept as a sticky lowest bit ("jammed"), which decides roundings as the full value would.
#include "tcg/softfloat.h"

#include "tcg/base/bits.h"

const struct fp_format fp_half = {5, 10, false};
const struct fp_format fp_half_alternative = {5, 10, true};
const struct fp_format fp_bfloat16 = {8, 7, false};
const struct fp_format fp_single = {8, 23, false};
const struct fp_format fp_double = {11, 52, false};

typedef unsigned __int128 u128;

enum fp_class { ZERO, NUMBER, INFINITE, QUIET_NAN, SIGNALLING_NAN };

struct fp_number {
    enum fp_class class;
    bool sign;
    int exponent;      // of the leading one: value = fraction / 2^63 * 2^exponent
    uint64_t fraction; // NaN: the payload below the leading one, the quiet bit at 62
};

static int bias(const struct fp_format *f)
{
    return (1 << (f->exponent_bits - 1)) - 1;
}

static uint64_t all_exponent(const struct fp_format *f)
{
    return mask64(f->exponent_bits);
}

static unsigned sign_shift(const struct fp_format *f)
{
    return f->exponent_bits + f->fraction_bits;
}

static uint64_t pack(const struct fp_format *f, bool sign, uint64_t exponent, uint64_t fraction)
{
    return (uint64_t)sign << sign_shift(f) | exponent << f->fraction_bits | fraction;
}

static struct fp_number unpack(struct fp_context *c, const struct fp_format *f, uint64_t a)
{
    struct fp_number n = {.sign = a >> sign_shift(f) & 1};
    uint64_t exponent = extract64(a, f->fraction_bits, f->exponent_bits), fraction = a & mask64(f->fraction_bits);
    if (exponent == all_exponent(f) && !f->no_special) {
        n.class = INFINITE;
        if (fraction) {
            n.fraction = fraction << (63 - f->fraction_bits);
            n.class = n.fraction >> 62 & 1 ? QUIET_NAN : SIGNALLING_NAN;
        }
        return n;
    }
    if (exponent == 0) {
        if (!fraction)
            return n;
        if (c->rules.flush_inputs) {
            c->flags |= FP_DENORMAL;
            return n;
        }
        unsigned shift = clz64(fraction);
        n.fraction = fraction << shift;
        n.exponent = 1 - bias(f) - (int)(shift - (63 - f->fraction_bits));
    } else {
        n.fraction = fraction << (63 - f->fraction_bits) | BIT64(63);
        n.exponent = (int)exponent - bias(f);
    }
    n.class = NUMBER;
    return n;
}

static bool is_nan(struct fp_number n)
{
    return n.class >= QUIET_NAN;
}

uint64_t fp_default_nan(const struct fp_context *c, const struct fp_format *f)
{
    return pack(f, !c->rules.nan_arm, all_exponent(f), BIT64(f->fraction_bits - 1));
}

bool fp_is_nan(const struct fp_format *f, uint64_t a)
{
    return !f->no_special && extract64(a, f->fraction_bits, f->exponent_bits) == all_exponent(f) &&
           (a & mask64(f->fraction_bits));
}

bool fp_is_signalling(const struct fp_format *f, uint64_t a)
{
    return fp_is_nan(f, a) && !(a >> (f->fraction_bits - 1) & 1);
}

uint64_t fp_propagate_nan(struct fp_context *c, const struct fp_format *f, const uint64_t *operands, unsigned count)
{
    const uint64_t *chosen = NULL;
    bool signalling = false;
    for (unsigned i = 0; i < count; i++) {
        bool s = fp_is_signalling(f, operands[i]);
        bool better = s && !signalling && c->rules.nan_arm;
        if (fp_is_nan(f, operands[i]) && (!chosen || better))
            chosen = &operands[i];
        signalling |= s;
    }
    if (signalling)
        c->flags |= FP_INVALID;
    if (c->rules.default_nan || !chosen)
        return fp_default_nan(c, f);
    return *chosen | BIT64(f->fraction_bits - 1);
}

static uint64_t invalid(struct fp_context *c, const struct fp_format *f)
{
    c->flags |= FP_INVALID;
    return fp_default_nan(c, f);
}

static uint64_t infinity(const struct fp_format *f, bool sign)
{
    return pack(f, sign, all_exponent(f), 0);
}

static uint64_t zero(const struct fp_format *f, bool sign)
{
    return pack(f, sign, 0, 0);
}

static uint64_t shift_right_jam(uint64_t v, unsigned n)
{
    if (n == 0)
        return v;
    return n < 64 ? v >> n | ((v << (64 - n)) != 0) : v != 0;
}

static u128 shift_right_jam128(u128 v, unsigned n)
{
    if (n == 0)
        return v;
    return n < 128 ? v >> n | ((v << (128 - n)) != 0) : v != 0;
}

// Whether a fraction whose bits below `shift` are lost is rounded away from zero.
static bool rounds_up(unsigned rounding, bool sign, uint64_t fraction, unsigned shift)
{
    uint64_t lost = fraction & mask64(shift), half = BIT64(shift - 1);
    switch (rounding) {
    case IR_ROUND_NEAREST_EVEN:
        return lost > half || (lost == half && (fraction >> shift & 1));
    case IR_ROUND_NEAREST_AWAY:
        return lost >= half;
    case IR_ROUND_UP:
        return lost && !sign;
    case IR_ROUND_DOWN:
        return lost && sign;
    default:
        return false;
    }
}

static uint64_t overflowed(struct fp_context *c, const struct fp_format *f, bool sign)
{
    if (f->no_special) {
        c->flags |= FP_INVALID;
        return pack(f, sign, all_exponent(f), mask64(f->fraction_bits));
    }
    c->flags |= FP_OVERFLOW | FP_INEXACT;
    bool to_infinity = c->rounding == IR_ROUND_NEAREST_EVEN || c->rounding == IR_ROUND_NEAREST_AWAY ||
                       (c->rounding == IR_ROUND_UP && !sign) || (c->rounding == IR_ROUND_DOWN && sign);
    return to_infinity ? infinity(f, sign) : pack(f, sign, all_exponent(f) - 1, mask64(f->fraction_bits));
}

// Rounds a normalised number (bit 63 set) to the format.
static uint64_t round_pack(struct fp_context *c, const struct fp_format *f, bool sign, int exponent, uint64_t fraction)
{
    unsigned shift = 63 - f->fraction_bits;
    int biased = exponent + bias(f);
    bool tiny = biased <= 0;
    if (tiny && !c->rules.tiny_before && biased == 0) {
        // Tiny after rounding: not if rounding to full precision reaches the smallest normal number.
        uint64_t kept = fraction >> shift;
        tiny = !(kept == mask64(f->fraction_bits + 1) && rounds_up(c->rounding, sign, fraction, shift));
    }
    if (tiny && c->rules.flush_outputs) {
        c->flags |= FP_UNDERFLOW | (c->rules.tiny_before ? 0 : FP_INEXACT);
        return zero(f, sign);
    }
    if (biased <= 0) {
        fraction = shift_right_jam(fraction, (unsigned)(1 - biased));
        biased = 0;
    }
    bool inexact = (fraction & mask64(shift)) != 0;
    uint64_t kept = fraction >> shift;
    if (c->rounding == FP_ROUND_ODD)
        kept |= inexact;
    else if (inexact && rounds_up(c->rounding, sign, fraction, shift))
        kept++;
    // The implicit bit adds one to the exponent field of a normal number, as does a carry out of the fraction.
    uint64_t field = biased ? (uint64_t)(biased - 1) : 0;
    uint64_t magnitude = (field << f->fraction_bits) + kept;
    uint64_t limit = all_exponent(f) << f->fraction_bits;
    if (f->no_special ? magnitude >= BIT64(sign_shift(f)) : magnitude >= limit)
        return overflowed(c, f, sign);
    if (inexact)
        c->flags |= FP_INEXACT | (tiny ? FP_UNDERFLOW : 0);
    return (uint64_t)sign << sign_shift(f) | magnitude;
}

// The same from 128 bits; `exponent` is that of bit 127.
static uint64_t round_pack128(struct fp_context *c, const struct fp_format *f, bool sign, int exponent, u128 m)
{
    uint64_t high = (uint64_t)(m >> 64), low = (uint64_t)m;
    unsigned shift = high ? clz64(high) : 64 + clz64(low);
    m <<= shift;
    uint64_t fraction = (uint64_t)(m >> 64) | ((uint64_t)m != 0);
    return round_pack(c, f, sign, exponent - (int)shift, fraction);
}

static uint64_t repack(struct fp_context *c, const struct fp_format *f, struct fp_number n)
{
    if (n.class == INFINITE)
        return infinity(f, n.sign);
    return n.class == ZERO ? zero(f, n.sign) : round_pack(c, f, n.sign, n.exponent, n.fraction);
}

static uint64_t add_numbers(struct fp_context *c, const struct fp_format *f, struct fp_number a, struct fp_number b)
{
    if (a.class == INFINITE || b.class == INFINITE) {
        if (a.class == b.class && a.sign != b.sign)
            return invalid(c, f);
        return infinity(f, a.class == INFINITE ? a.sign : b.sign);
    }
    if (a.class == ZERO && b.class == ZERO)
        return zero(f, a.sign == b.sign ? a.sign : c->rounding == IR_ROUND_DOWN);
    if (a.class == ZERO || b.class == ZERO)
        return repack(c, f, a.class == ZERO ? b : a);
    if (a.exponent < b.exponent || (a.exponent == b.exponent && a.fraction < b.fraction)) {
        struct fp_number t = a;
        a = b;
        b = t;
    }
    u128 big = (u128)a.fraction << 62, small = shift_right_jam128((u128)b.fraction << 62,
                                                                 (unsigned)(a.exponent - b.exponent));
    u128 sum = a.sign == b.sign ? big + small : big - small;
    if (!sum)
        return zero(f, c->rounding == IR_ROUND_DOWN);
    return round_pack128(c, f, a.sign, a.exponent + 2, sum);
}

uint64_t fp_add(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b)
{
    struct fp_number x = unpack(c, f, a), y = unpack(c, f, b);
    if (is_nan(x) || is_nan(y))
        return fp_propagate_nan(c, f, (uint64_t[]){a, b}, 2);
    return add_numbers(c, f, x, y);
}

uint64_t fp_sub(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b)
{
    struct fp_number x = unpack(c, f, a), y = unpack(c, f, b);
    if (is_nan(x) || is_nan(y))
        return fp_propagate_nan(c, f, (uint64_t[]){a, b}, 2);
    y.sign = !y.sign;
    return add_numbers(c, f, x, y);
}

static uint64_t multiply(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b, bool extended)
{
    struct fp_number x = unpack(c, f, a), y = unpack(c, f, b);
    if (is_nan(x) || is_nan(y))
        return fp_propagate_nan(c, f, (uint64_t[]){a, b}, 2);
    bool sign = x.sign != y.sign;
    if (x.class == INFINITE || y.class == INFINITE) {
        if (x.class != ZERO && y.class != ZERO)
            return infinity(f, sign);
        return extended ? pack(f, sign, (uint64_t)bias(f) + 1, 0) : invalid(c, f);
    }
    if (x.class == ZERO || y.class == ZERO)
        return zero(f, sign);
    return round_pack128(c, f, sign, x.exponent + y.exponent + 1, (u128)x.fraction * y.fraction);
}

uint64_t fp_mul(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return multiply(c, f, a, b, false);
}

uint64_t fp_mulx(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b)
{
    return multiply(c, f, a, b, true);
}

uint64_t fp_div(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b)
{
    struct fp_number x = unpack(c, f, a), y = unpack(c, f, b);
    if (is_nan(x) || is_nan(y))
        return fp_propagate_nan(c, f, (uint64_t[]){a, b}, 2);
    bool sign = x.sign != y.sign;
    if (x.class == y.class && x.class != NUMBER)
        return invalid(c, f);
    if (x.class == INFINITE)
        return infinity(f, sign);
    if (y.class == ZERO) {
        c->flags |= FP_DIVIDE;
        return infinity(f, sign);
    }
    if (x.class == ZERO || y.class == INFINITE)
        return zero(f, sign);
    u128 dividend = (u128)x.fraction << 63, quotient = dividend / y.fraction;
    quotient |= dividend % y.fraction != 0;
    // A quotient of one has bit 63 set.
    return round_pack128(c, f, sign, x.exponent - y.exponent + 64, quotient);
}

uint64_t fp_sqrt(struct fp_context *c, const struct fp_format *f, uint64_t a)
{
    struct fp_number x = unpack(c, f, a);
    if (is_nan(x))
        return fp_propagate_nan(c, f, &a, 1);
    if (x.class == ZERO)
        return zero(f, x.sign);
    if (x.sign)
        return invalid(c, f);
    if (x.class == INFINITE)
        return infinity(f, false);
    bool odd = x.exponent & 1;
    u128 rest = (u128)x.fraction << (odd ? 64 : 63), root = 0;
    for (u128 bit = (u128)1 << 126; bit; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = root >> 1 | bit;
        } else {
            root >>= 1;
        }
    }
    // The root of a number whose leading bit is 126 or 127 has bit 63 set.
    root = root << 1 | (rest != 0);
    int exponent = (x.exponent - (odd ? 1 : 0)) / 2;
    return round_pack128(c, f, false, exponent + 63, root);
}

uint64_t fp_fma(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b, uint64_t d, bool halve)
{
    struct fp_number x = unpack(c, f, a), y = unpack(c, f, b), z = unpack(c, f, d);
    bool no_product = (y.class == INFINITE && z.class == ZERO) || (y.class == ZERO && z.class == INFINITE);
    if (is_nan(x) || is_nan(y) || is_nan(z)) {
        // Arm ARM, FPMulAdd: infinity times zero plus a quiet NaN is invalid too.
        if (no_product && x.class == QUIET_NAN && c->rules.nan_arm)
            return invalid(c, f);
        return fp_propagate_nan(c, f, (uint64_t[]){a, b, d}, 3);
    }
    bool sign = y.sign != z.sign;
    bool product_infinite = y.class == INFINITE || z.class == INFINITE;
    if (no_product || (product_infinite && x.class == INFINITE && x.sign != sign))
        return invalid(c, f);
    if (product_infinite || x.class == INFINITE)
        return infinity(f, product_infinite ? sign : x.sign);
    int half = halve ? -1 : 0;
    if (y.class == ZERO || z.class == ZERO) {
        if (x.class == ZERO)
            return zero(f, x.sign == sign ? sign : c->rounding == IR_ROUND_DOWN);
        x.exponent += half;
        return repack(c, f, x);
    }
    // The product has at most 106 significant bits of 128, so that the low ones may be shifted out.
    u128 product = ((u128)y.fraction * z.fraction) >> 2, addend = (u128)x.fraction << 61;
    int exponent = y.exponent + z.exponent; // of bit 124
    if (x.class == ZERO)
        return round_pack128(c, f, sign, exponent + 3 + half, product);
    int distance = exponent - x.exponent;
    if (distance >= 0) {
        addend = shift_right_jam128(addend, (unsigned)distance);
    } else {
        product = shift_right_jam128(product, (unsigned)-distance);
        exponent = x.exponent;
    }
    u128 sum;
    if (sign == x.sign) {
        sum = product + addend;
    } else if (product >= addend) {
        sum = product - addend;
    } else {
        sum = addend - product;
        sign = x.sign;
    }
    if (!sum)
        return zero(f, c->rounding == IR_ROUND_DOWN);
    return round_pack128(c, f, sign, exponent + 3 + half, sum);
}

static enum fp_order order(struct fp_number x, struct fp_number y)
{
    if (x.class == ZERO && y.class == ZERO)
        return FP_EQUAL;
    bool x_negative = x.sign && x.class != ZERO, y_negative = y.sign && y.class != ZERO;
    if (x_negative != y_negative)
        return x_negative ? FP_LESS : FP_GREATER;
    int compared;
    if (x.class != y.class)
        compared = x.class < y.class ? -1 : 1; // zero, number, infinity
    else if (x.class != NUMBER)
        compared = 0;
    else if (x.exponent != y.exponent)
        compared = x.exponent < y.exponent ? -1 : 1;
    else
        compared = x.fraction < y.fraction ? -1 : x.fraction > y.fraction;
    // A negative number and zero are told apart by sign only when the other is not zero.
    bool negative = x_negative || y_negative;
    if (!compared)
        return FP_EQUAL;
    return (compared < 0) != negative ? FP_LESS : FP_GREATER;
}

enum fp_order fp_compare(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b, bool signalling)
{
    struct fp_number x = unpack(c, f, a), y = unpack(c, f, b);
    if (is_nan(x) || is_nan(y)) {
        if (signalling || x.class == SIGNALLING_NAN || y.class == SIGNALLING_NAN)
            c->flags |= FP_INVALID;
        return FP_UNORDERED;
    }
    return order(x, y);
}

static uint64_t min_max(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b, bool number, bool max)
{
    struct fp_number x = unpack(c, f, a), y = unpack(c, f, b);
    if (is_nan(x) || is_nan(y)) {
        bool quiet_only = x.class != SIGNALLING_NAN && y.class != SIGNALLING_NAN;
        if (number && quiet_only && is_nan(x) != is_nan(y))
            return repack(c, f, is_nan(x) ? y : x);
        return fp_propagate_nan(c, f, (uint64_t[]){a, b}, 2);
    }
    if (x.class == ZERO && y.class == ZERO)
        return zero(f, max ? x.sign && y.sign : x.sign || y.sign);
    bool first = order(x, y) == (max ? FP_GREATER : FP_LESS);
    return repack(c, f, first ? x : y);
}

uint64_t fp_min(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b, bool number)
{
    return min_max(c, f, a, b, number, false);
}

uint64_t fp_max(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b, bool number)
{
    return min_max(c, f, a, b, number, true);
}

// The integer part of |n|, rounded; exponent at most 63. *inexact tells whether it differs.
static uint64_t integer_part(struct fp_number n, unsigned rounding, bool *inexact)
{
    int shift = 63 - n.exponent;
    if (shift <= 0) {
        *inexact = false;
        return n.fraction;
    }
    // Two bits below the point: the half and the sticky rest.
    uint64_t fixed = shift >= 66 ? 1 : shift > 2 ? shift_right_jam(n.fraction, (unsigned)shift - 2) : 0;
    uint64_t whole = shift <= 2 ? n.fraction >> shift : fixed >> 2;
    uint64_t low = shift <= 2 ? n.fraction << (2 - shift) & 3 : fixed & 3;
    *inexact = low != 0;
    uint64_t scaled = (whole & 1) << 2 | low;
    return whole + (low && rounds_up(rounding, n.sign, scaled, 2));
}

uint64_t fp_rint(struct fp_context *c, const struct fp_format *f, uint64_t a, bool exact)
{
    struct fp_number n = unpack(c, f, a);
    if (is_nan(n))
        return fp_propagate_nan(c, f, &a, 1);
    if (n.class != NUMBER)
        return n.class == INFINITE ? infinity(f, n.sign) : zero(f, n.sign);
    if (n.exponent >= f->fraction_bits)
        return a;
    bool inexact;
    uint64_t whole = integer_part(n, c->rounding, &inexact);
    if (inexact && exact)
        c->flags |= FP_INEXACT;
    if (!whole)
        return zero(f, n.sign);
    unsigned shift = clz64(whole);
    return round_pack(c, f, n.sign, 63 - (int)shift, whole << shift);
}

uint64_t fp_convert(struct fp_context *c, const struct fp_format *from, const struct fp_format *to, uint64_t a)
{
    struct fp_number n = unpack(c, from, a);
    if (is_nan(n)) {
        if (to->no_special) {
            c->flags |= FP_INVALID;
            return zero(to, n.sign);
        }
        if (n.class == SIGNALLING_NAN)
            c->flags |= FP_INVALID;
        if (c->rules.default_nan)
            return fp_default_nan(c, to);
        return pack(to, n.sign, all_exponent(to), (n.fraction | BIT64(62)) >> (63 - to->fraction_bits));
    }
    if (n.class == INFINITE && to->no_special) {
        c->flags |= FP_INVALID;
        return pack(to, n.sign, all_exponent(to), mask64(to->fraction_bits));
    }
    return repack(c, to, n);
}

uint64_t fp_to_int(struct fp_context *c, const struct fp_format *f, uint64_t a, unsigned width, bool is_signed,
                   unsigned fraction_bits)
{
    struct fp_number n = unpack(c, f, a);
    uint64_t largest = is_signed ? mask64(width - 1) : mask64(width), smallest = is_signed ? BIT64(width - 1) : 0;
    if (is_nan(n)) {
        c->flags |= FP_INVALID;
        return 0;
    }
    if (n.class == ZERO)
        return 0;
    n.exponent += (int)fraction_bits;
    bool inexact = false, fits = n.class != INFINITE && n.exponent <= 63;
    uint64_t whole = fits ? integer_part(n, c->rounding, &inexact) : 0;
    // Rounding up the largest 64-bit magnitude wraps to zero, but such a number has no fraction.
    if (fits)
        fits = n.sign ? whole <= smallest : whole <= largest;
    if (!fits) {
        c->flags |= FP_INVALID;
        return n.sign ? smallest : largest;
    }
    if (inexact)
        c->flags |= FP_INEXACT;
    return (n.sign ? -whole : whole) & mask64(width);
}

uint64_t fp_from_int(struct fp_context *c, const struct fp_format *f, uint64_t value, bool is_signed,
                     unsigned fraction_bits)
{
    bool sign = is_signed && (int64_t)value < 0;
    uint64_t magnitude = sign ? -value : value;
    if (!magnitude)
        return zero(f, false);
    unsigned shift = clz64(magnitude);
    return round_pack(c, f, sign, 63 - (int)shift - (int)fraction_bits, magnitude << shift);
}
