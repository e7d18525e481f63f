// SPDX-License-Identifier: MIT
// The "name,key=value" syntax of options.
#include "frontend/keyval.h"

#include <criterion/criterion.h>
#include <errno.h>

static struct arena arena;
static struct error error;

static void done(void)
{
    arena_free(&arena);
}

TestSuite(keyval, .fini = done);

Test(keyval, implied_key_and_values)
{
    struct keyval_list list;
    cr_assert_eq(keyval_parse(&arena, "virt,gic-version=3,secure", "type", &list, &error), 0);
    cr_assert_eq(list.count, 3);
    cr_assert_str_eq(keyval_get(&list, "type"), "virt");
    cr_assert_str_eq(keyval_get(&list, "gic-version"), "3");
    cr_assert_str_eq(keyval_get(&list, "secure"), "on");
    cr_assert_null(keyval_get(&list, "virt"));
}

Test(keyval, a_doubled_comma_is_one_in_a_value)
{
    struct keyval_list list;
    cr_assert_eq(keyval_parse(&arena, "file=a,,b,,,,c,id=x", NULL, &list, &error), 0);
    cr_assert_str_eq(keyval_get(&list, "file"), "a,b,,c");
    cr_assert_str_eq(keyval_get(&list, "id"), "x");
}

Test(keyval, an_equals_sign_in_a_value_stays)
{
    struct keyval_list list;
    cr_assert_eq(keyval_parse(&arena, "a=b=c", NULL, &list, &error), 0);
    cr_assert_str_eq(keyval_get(&list, "a"), "b=c");
}

Test(keyval, empty_text_is_an_empty_list)
{
    struct keyval_list list;
    cr_assert_eq(keyval_parse(&arena, "", "type", &list, &error), 0);
    cr_assert_eq(list.count, 0);
}

Test(keyval, refuses_empty_and_repeated_keys)
{
    struct keyval_list list;
    cr_assert_eq(keyval_parse(&arena, "x,=3", "type", &list, &error), -EINVAL);
    cr_assert_eq(keyval_parse(&arena, "x,,,a=1", NULL, &list, &error), 0, "'x,' is a key");
    cr_assert_eq(keyval_parse(&arena, "a=1,a=1", NULL, &list, &error), -EEXIST);
}

Test(keyval, one_key_may_be_repeated)
{
    struct keyval_list list;
    cr_assert_eq(keyval_parse_repeated(&arena, "arg=a,on=1,arg=b", NULL, "arg", &list, &error), 0);
    cr_assert_eq(list.count, 3);
    cr_assert_str_eq(list.items[0].value, "a");
    cr_assert_str_eq(list.items[2].value, "b");
    cr_assert_eq(keyval_parse_repeated(&arena, "arg=a,on=1,on=2", NULL, "arg", &list, &error), -EEXIST);
}

Test(keyval, check_names_the_nearest)
{
    static const char *const known[] = {"file", "format", NULL};
    struct keyval_list list;
    keyval_parse(&arena, "file=x,fromat=raw", NULL, &list, &error);
    cr_assert_eq(keyval_check(&list, known, &error), -ENOENT);
    cr_assert_str_eq(error.text, "unknown parameter 'fromat'; did you mean 'format'?");
}

Test(keyval, typed_values)
{
    struct keyval_list list;
    bool flag = false;
    uint64_t number = 7;
    keyval_parse(&arena, "a=on,b=off,c=maybe,n=0x10,big=11,neg=-1,blank= 1", NULL, &list, &error);
    cr_assert_eq(keyval_bool(&list, "a", &flag, &error), 0);
    cr_assert(flag);
    cr_assert_eq(keyval_bool(&list, "absent", &flag, &error), 0);
    cr_assert(flag, "an absent key changes nothing");
    cr_assert_eq(keyval_bool(&list, "b", &flag, &error), 0);
    cr_assert_not(flag);
    cr_assert_eq(keyval_bool(&list, "c", &flag, &error), -EINVAL);
    cr_assert_eq(keyval_unsigned(&list, "absent", 10, &number, &error), 0);
    cr_assert_eq(number, 7);
    cr_assert_eq(keyval_unsigned(&list, "n", 16, &number, &error), 0);
    cr_assert_eq(number, 16);
    cr_assert_eq(keyval_unsigned(&list, "big", 10, &number, &error), -EINVAL);
    cr_assert_eq(keyval_unsigned(&list, "neg", UINT64_MAX, &number, &error), -EINVAL);
    cr_assert_eq(keyval_unsigned(&list, "blank", 10, &number, &error), -EINVAL);
}
