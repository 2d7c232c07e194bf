#!/usr/bin/env python3
"""Draws the diagrams of docs/: NAME.txt, a few words a line, becomes NAME.svg.

    draw.py             draws all that are in this folder
    draw.py --check     says which are not as their texts have it

Needs nothing but Python, and the same text gives the same picture on every machine.

A text begins with `title WORDS`. Boxes stand on a grid, and arrows leave and reach their sides:

    pitch WIDTH HEIGHT                      of a field of the grid
    box NAME COLUMN ROW TEXT | TEXT ...     its lines; the first is bold. `dot` for box: a point
    group NAME NAME ... : TEXT              a frame around boxes
    arrow NAME.SIDE NAME.SIDE : TEXT        sides are n, e, s, w; e+12 is 12 points further

Between two sides that look the same way (s and s) the arrow goes around, out by the points of a `by N` in front of the
colon. A text stands above a level line and on an upright one, or beside it if it begins with `<` or `>`.

A sequence has `actor NAME TEXT`, `message NAME NAME TEXT` and `answer NAME NAME TEXT`, from the top down."""
import html
import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
BOX_WIDTH, LINE, MARGIN, CHARACTER = 150, 17, 24, 6.6
STYLE = """
    .ground { fill: #ffffff }
    .box { fill: #eef3fa; stroke: #4a6fa5; stroke-width: 1.5 }
    .group { fill: none; stroke: #8a94a3; stroke-width: 1.2; stroke-dasharray: 5 4 }
    .dot { fill: #1d2733 }
    .way { fill: none; stroke: #4d5866; stroke-width: 1.5 }
    .late { stroke-dasharray: 5 4 }
    .head { fill: #4d5866 }
    text { fill: #1d2733; font: 13px sans-serif; text-anchor: middle }
    .first { font-weight: bold }
    .word { font-size: 12px; stroke: #ffffff; stroke-width: 5; paint-order: stroke; stroke-linejoin: round }
    .left { text-anchor: start }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0f141a }
      .box { fill: #1c2836; stroke: #7fa6dc }
      .group { stroke: #7d8896 }
      .dot, text { fill: #e4eaf1 }
      .way { stroke: #aab4c0 }
      .head { fill: #aab4c0 }
      .word { stroke: #0f141a }
    }
"""
OUT = {"n": (0, -1), "e": (1, 0), "s": (0, 1), "w": (-1, 0)}


class Picture:
    """What is drawn, and how far it reaches."""

    def __init__(self, title):
        self.title, self.back, self.parts = title, [], []
        self.right = self.bottom = 0
        self.left = self.top = 10 ** 6

    def reach(self, x, y):
        self.left, self.right = min(self.left, x), max(self.right, x)
        self.top, self.bottom = min(self.top, y), max(self.bottom, y)

    def rectangle(self, kind, x, y, width, height, back=False):
        self.reach(x, y)
        self.reach(x + width, y + height)
        parts = self.back if back else self.parts
        parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>')

    def words(self, kind, x, y, text):
        half = 0 if "left" in kind else len(text) * CHARACTER / 2
        self.reach(round(x - half), y - LINE)
        self.reach(round(x + (half or len(text) * CHARACTER)), y)
        self.parts.append(f'<text class="{kind}" x="{x}" y="{y}">{html.escape(text, False)}</text>')

    def way(self, points, kind="way"):
        for x, y in points:
            self.reach(x, y)
        (x0, y0), (x, y) = points[-2:]
        dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
        corners = [(x, y), (x - 9 * dx - 4 * dy, y - 9 * dy - 4 * dx), (x - 9 * dx + 4 * dy, y - 9 * dy + 4 * dx)]
        points = [*points[:-1], (x - 5 * dx, y - 5 * dy)]
        self.parts.append(f'<polygon class="head" points="{joined(corners)}"/>')
        self.back.append(f'<polyline class="{kind}" points="{joined(points)}"/>')

    def text(self):
        x, y = self.left - MARGIN, self.top - MARGIN
        width, height = self.right + MARGIN - x, self.bottom + MARGIN - y
        body = "\n  ".join([f'<rect class="ground" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>',
                            *self.back, *self.parts])
        return (f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="{x} {y} {width} {height}" width="{width}" '
                f'height="{height}">\n  <title>{html.escape(self.title, False)}</title>\n  <style>{STYLE}  </style>\n'
                f'  {body}\n</svg>\n')


def joined(points):
    return " ".join(f"{x},{y}" for x, y in points)


class Grid:
    """Boxes and arrows."""

    def __init__(self, picture):
        self.picture, self.boxes, self.pitch = picture, {}, (230, 120)

    def do_pitch(self, width, height):
        self.pitch = int(width), int(height)

    def centre(self, column, row):
        return round(float(column) * self.pitch[0]), round(float(row) * self.pitch[1])

    def do_box(self, rest):
        name, column, row, text = rest.split(maxsplit=3)
        lines = [line.strip() for line in text.split("|")]
        (x, y), half = self.centre(column, row), 14 + LINE * len(lines) // 2
        width = max(BOX_WIDTH, round(max(map(len, lines)) * CHARACTER * 1.1) + 24) // 2 * 2
        self.boxes[name] = x, y, width // 2, half
        self.picture.rectangle("box", x - width // 2, y - half, width, 2 * half)
        for number, line in enumerate(lines):
            below = y - LINE * (len(lines) - 1) // 2 + number * LINE + 5
            self.picture.words("first" if number == 0 else "line", x, below, line)

    def do_dot(self, rest):
        name, column, row = rest.split()
        x, y = self.centre(column, row)
        self.boxes[name] = x, y, 6, 6
        self.picture.reach(x, y)
        self.picture.parts.append(f'<circle class="dot" cx="{x}" cy="{y}" r="6"/>')

    def do_group(self, rest):
        names, text = (part.strip() for part in rest.split(":", 1))
        name, *inside = names.split()
        found = [self.boxes[one] for one in inside]
        x0, x1 = min(x - w for x, _, w, _ in found) - 18, max(x + w for x, _, w, _ in found) + 18
        y0, y1 = min(y - h for _, y, _, h in found) - 36, max(y + h for _, y, _, h in found) + 18
        self.boxes[name] = (x0 + x1) // 2, (y0 + y1) // 2, (x1 - x0) // 2, (y1 - y0) // 2
        self.picture.rectangle("group", x0, y0, x1 - x0, y1 - y0, back=True)
        self.picture.words("word left", x0 + 14, y0 + 22, text)

    def port(self, text):
        name, side, shift = re.fullmatch(r"(\w+)\.([nesw])([+-]\d+)?", text).groups()
        x, y, half_width, half_height = self.boxes[name]
        dx, dy = OUT[side]
        shift = int(shift or 0)
        return x + dx * half_width + abs(dy) * shift, y + dy * half_height + abs(dx) * shift, side

    def route(self, start, end, out):
        (x0, y0, side0), (x1, y1, side1) = start, end
        if side0 == side1:  # around
            if side0 in "ns":
                y = max(y0, y1) + out if side0 == "s" else min(y0, y1) - out
                return [(x0, y0), (x0, y), (x1, y), (x1, y1)]
            x = max(x0, x1) + out if side0 == "e" else min(x0, x1) - out
            return [(x0, y0), (x, y0), (x, y1), (x1, y1)]
        if x0 == x1 or y0 == y1:
            return [(x0, y0), (x1, y1)]
        if side0 in "ew" and side1 in "ew":
            middle = (x0 + x1) // 2
            return [(x0, y0), (middle, y0), (middle, y1), (x1, y1)]
        if side0 in "ns" and side1 in "ns":
            middle = (y0 + y1) // 2
            return [(x0, y0), (x0, middle), (x1, middle), (x1, y1)]
        return [(x0, y0), (x1, y0) if side0 in "ew" else (x0, y1), (x1, y1)]

    def do_arrow(self, rest):
        way, _, text = (part.strip() for part in rest.partition(":"))
        start, end, *more = way.split()
        points = self.route(self.port(start), self.port(end), int(more[1]) if more else 40)
        self.picture.way(points)
        if text:
            legs = list(zip(points, points[1:]))
            (x0, y0), (x1, y1) = max(legs, key=lambda leg: abs(leg[0][0] - leg[1][0]) + abs(leg[0][1] - leg[1][1]))
            bare = text.lstrip("<>").strip()
            aside = {"<": -1, ">": 1}.get(text[0], 0) * (round(len(bare) * CHARACTER / 2) + 6)
            self.picture.words("word", (x0 + x1) // 2 + aside, (y0 + y1) // 2 + (4 if x0 == x1 else -8), bare)

    def end(self):
        pass


class Sequence:
    """Who says what to whom, from the top down."""

    def __init__(self, picture):
        self.picture, self.actors, self.y, self.pitch = picture, {}, 60, 220

    def do_pitch(self, width):
        self.pitch = int(width)

    def do_actor(self, rest):
        name, text = rest.split(maxsplit=1)
        x = len(self.actors) * self.pitch
        self.actors[name] = x
        self.picture.rectangle("box", x - BOX_WIDTH // 2 - 8, 0, BOX_WIDTH + 16, 34)
        self.picture.words("first", x, 22, text)

    def draw(self, rest, kind):
        start, end, text = rest.split(maxsplit=2)
        x0, x1 = self.actors[start], self.actors[end]
        self.y += 30
        self.picture.words("word", (x0 + x1) // 2, self.y - 7, text)
        self.picture.way([(x0, self.y), (x1, self.y)], kind)

    def do_message(self, rest):
        self.draw(rest, "way")

    def do_answer(self, rest):
        self.draw(rest, "way late")

    def end(self):
        for x in self.actors.values():
            self.picture.back.insert(0, f'<polyline class="group" points="{x},34 {x},{self.y + 22}"/>')
            self.picture.reach(x, self.y + 22)


def drawn(text):
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    picture = Picture(lines[0][len("title "):])
    drawing = Sequence(picture) if any(line.startswith("actor ") for line in lines) else Grid(picture)
    for line in lines[1:]:
        word, rest = line.split(maxsplit=1)
        if word == "pitch":
            drawing.do_pitch(*rest.split())
        else:
            getattr(drawing, "do_" + word)(rest)
    drawing.end()
    return picture.text()


def main(arguments):
    stale = []
    texts = sorted(FOLDER.glob("*.txt"))
    for path in texts:
        picture, text = path.with_suffix(".svg"), drawn(path.read_text(encoding="utf-8"))
        if arguments != ["--check"]:
            picture.write_text(text, encoding="utf-8")
        elif not picture.exists() or picture.read_text(encoding="utf-8") != text:
            stale.append(f"{picture.name} is not what {path.name} says: run docs/diagrams/draw.py")
    stale += [f"{path.name} has no text" for path in FOLDER.glob("*.svg") if not path.with_suffix(".txt").exists()]
    print("\n".join(stale) or f"{len(texts)} diagrams")
    return 1 if stale or not texts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
