// SPDX-License-Identifier: MIT
// An error for a person: one clear line saying what went wrong, with which value, and what to do. The callee that
// fails fills it in; the top of the program prints it once.
#pragma once

struct error {
    char text[512];
};

// Fills in `error` (which may be NULL) and returns `-code`, so that a failing function can `return error_set(...)`.
// `code` is a positive errno value. The text has no final newline or period.
int error_set(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

// Puts "prefix: " before the text that is there already.
void error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
