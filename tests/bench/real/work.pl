# SPDX-License-Identifier: MIT
# What the item perl runs: words counted and sorted, patterns, substitution, packing, closures and sums of floats, over the
# text on standard input. Prints what came out, which depends on that text alone.
use strict;
use warnings;

my $text = do { local $/; <STDIN> };

my %count;
$count{$_}++ for split ' ', $text;
my @common = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
print scalar(@common), " @common[0 .. 4]\n";

my $part = substr $text, 0, 400000;
my ($pairs, $endings) = (0, 0);
while ($part =~ /\b([a-z]+?)(ing|ed|er)? ([a-z]{2,4})\b/g) {
    $pairs++;
    $endings++ if defined $2;
}
(my $swapped = $part) =~ s/(\w)(\w+)/$2$1/g;
$swapped =~ tr/a-m/A-M/;
print "$pairs $endings ", unpack("%32C*", $swapped), " ", substr($swapped, 0, 32) =~ s/\s/_/gr, "\n";

my %index;
my $number = 0;
for my $line (split /\n/, $part) {
    $number++;
    push @{ $index{ lc $_ } }, $number for $line =~ /\w{4,}/g;
}
my $packed = join '', map { pack 'A8 n/a*', $_, join ',', @{ $index{$_} } } sort keys %index;
print length($packed), " ", unpack("%32N*", $packed), "\n";

my @steps = map { my $n = $_; sub { ($_[0] * 1103515245 + $n) % 2147483648 } } 1 .. 16;
my ($seed, @heap) = (1);
for my $i (1 .. 120000) {
    $seed = $steps[$i & 15]->($seed & 0xfffff);
    push @heap, $seed if $i % 4 == 0;
}
@heap = sort { $a <=> $b } @heap;
print "$heap[0] $heap[$#heap / 2] $heap[-1]\n";

my ($sum, $x) = (0, 1);
for my $i (1 .. 200000) {
    $x = sqrt($x + $i) / 3 - 1 / $i;
    $sum += $i % 2 ? $x : -$x;
}
printf "%.9e %.9e\n", $sum, $x;
