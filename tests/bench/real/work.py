# SPDX-License-Identifier: MIT
"""What the item python runs: words counted and sorted, objects, patterns, JSON, integers of any size and sums of floats,
over the text on standard input. Prints what came out, which depends on that text alone.
"""
import heapq
import json
import re
import sys
import zlib


class Node:
    """Of a binary search tree."""
    __slots__ = ("key", "left", "right", "count")

    def __init__(self, key):
        self.key, self.left, self.right, self.count = key, None, None, 1


def insert(root, key):
    node = root
    while key != node.key:
        side = "left" if key < node.key else "right"
        below = getattr(node, side)
        if below is None:
            setattr(node, side, Node(key))
            return
        node = below
    node.count += 1


def depth(node):
    return 1 + max(depth(node.left), depth(node.right)) if node else 0


def words(text):
    count = {}
    for word in text.split():
        count[word] = count.get(word, 0) + 1
    common = sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))
    root = Node(common[len(common) // 2][0])
    for word in text.split()[:20000]:
        insert(root, word)
    return len(common), common[:5], depth(root)


def patterns(text):
    pairs = re.findall(r"\b([a-z]+)(ing|ed|er)? ([a-z]{2,4})\b", text)
    swapped = re.sub(r"(\w)(\w+)", lambda match: match[2] + match[1], text)
    return len(pairs), sum(bool(ending) for _, ending, _ in pairs), zlib.crc32(swapped.encode())


def records(text):
    rows = [{"line": number, "words": line.split(), "length": len(line) / 8} for number, line in enumerate(text.splitlines())]
    again = json.loads(json.dumps(rows))
    again.sort(key=lambda row: (row["words"][-1:], row["line"]))
    return zlib.crc32(json.dumps(again).encode()), sum(row["length"] for row in again)


def paths(size):
    """The shortest way over a grid, by Dijkstra's algorithm."""
    cost = {(x, y): 1 + (x * 7919 ^ y * 104729) % 9 for x in range(size) for y in range(size)}
    best, queue = {}, [(0, (0, 0))]
    while queue:
        distance, (x, y) = heapq.heappop(queue)
        if (x, y) in best:
            continue
        best[x, y] = distance
        for place in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if place in cost and place not in best:
                heapq.heappush(queue, (distance + cost[place], place))
    return best[size - 1, size - 1]


def numbers(steps):
    a, b, x, total = 0, 1, 1.0, 0.0
    for i in range(1, steps):
        a, b = b, (a + b) % 10**40
        x = x * 1.0000001 + 1 / i - (x / 3.0 if i % 5 else 0.25)
        total += (x * x + i) ** 0.5
    return a, f"{x:.9e} {total:.9e}"


def main():
    text = sys.stdin.read()
    for result in words(text), patterns(text[:200000]), records(text[:300000]), paths(80), numbers(100000):
        print(*result if isinstance(result, tuple) else [result])


main()
