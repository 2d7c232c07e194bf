"""What a run tells: a line a row, CSV, a plot, and the tables of docs/performance.md."""
import csv
import html
import os
import platform
import re
import subprocess

from measure import Failed, NotMeasured, shown, verdict


def plain(limit_value):
    """A limit in full: 10.0, 0.55, 300000."""
    text = f"{limit_value:.12g}"
    return text if "." in text or limit_value >= 1000 else text + ".0"


class Result:
    """A row and what came of it: a figure, or why there is none."""

    def __init__(self, row, figure=None, problem=None):
        self.row = row
        self.figure = figure
        self.problem = problem

    def failed(self):
        return isinstance(self.problem, Failed)

    def words(self):
        """"holds", "short", "no target", "not measured" or "failed", for the target and the reach."""
        if self.problem:
            return ("failed" if self.failed() else "not measured"), None
        must, reach = verdict(self.row, self.figure.value)
        return must or ("no target" if reach is None else None), reach

    def line(self):
        row = self.row
        if self.problem:
            return f"{row.name} {self.words()[0]}: {self.problem}"
        must, reach = self.words()
        text = f"{row.name} {shown(row, self.figure.value)}"
        most = "at most " if row.at_most else ""
        if row.must is not None:
            text += f" target {most}{plain(row.must)} {must}"
        elif reach is None:
            text += " no target"
        if row.reach is not None:
            text += f"{',' if row.must is not None else ''} reach {most}{plain(row.reach)} {reach}"
        return f"{text} ({self.detail()})"

    def detail(self):
        parts = [self.row.unit]
        if self.figure.low is not None:
            parts.append(f"{shown(self.row, self.figure.low)} to {shown(self.row, self.figure.high)}"
                         f" in {len(self.figure.times)}")
        return "; ".join(part for part in (*parts, self.figure.note) if part)


def result_of(row, bench):
    try:
        return Result(row, row.measure(bench))
    except (NotMeasured, Failed) as problem:
        return Result(row, problem=problem)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as problem:
        return Result(row, problem=Failed(f"{type(problem).__name__}: {problem}"))


def write_csv(results, folder):
    with open(os.path.join(folder, "results.csv"), "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["row", "what", "value", "unit", "low", "high", "limit", "must", "verdict",
                        "reach", "verdict_reach", "note"])
        for result in results:
            row, figure = result.row, result.figure
            must, reach = result.words()
            table.writerow([row.name, row.what, figure and figure.value, row.unit,
                            figure and figure.low, figure and figure.high,
                            "at most" if row.at_most else "at least", row.must, must, row.reach,
                            reach, figure.note if figure else result.problem])
    with open(os.path.join(folder, "runs.csv"), "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["row", "run", "ours", "baseline"])
        for result in results:
            for number, times in enumerate(result.figure.times if result.figure else (), 1):
                table.writerow([result.row.name, number, *times])


def share(row, value):
    """How far a figure is: 1 is its target, more is better. Without a target its reach counts."""
    limit = row.must if row.must is not None else row.reach
    if row.at_most:
        return limit / value if value > 0 else float("inf")
    return value / limit


COLOURS = {"holds": "#2a7f62", "short": "#b5452c"}
BAR = 18
LEFT, WIDTH, RIGHT = 130, 420, 220
SHARE_MAX = 2.0


def bar(result, top):
    value = share(result.row, result.figure.value)
    length = max(0.0, min(value, SHARE_MAX)) / SHARE_MAX * WIDTH
    word = result.words()[0] or result.words()[1]
    label = f"{shown(result.row, result.figure.value)} {result.row.unit}".strip()
    return (f'<text x="{LEFT - 8}" y="{top + 12}" text-anchor="end">{html.escape(result.row.name)}'
            f'</text><rect x="{LEFT}" y="{top + 2}" width="{length:.1f}" height="{BAR - 6}"'
            f' fill="{COLOURS[word]}"/><text x="{LEFT + length + 6:.1f}" y="{top + 12}">'
            f"{html.escape(label)}{' →' if value > SHARE_MAX else ''}</text>")


def write_plot(results, path):
    """A bar a row: its figure as a share of its target, which is the line."""
    rows = [result for result in results if result.figure
            and (result.row.must is not None or result.row.reach is not None)]
    height = 50 + BAR * len(rows)
    at = LEFT + WIDTH / SHARE_MAX
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}"'
             f' height="{height}" font-family="sans-serif" font-size="11">',
             f'<rect width="{LEFT + WIDTH + RIGHT}" height="{height}" fill="#fff"/>',
             f'<text x="{at}" y="16" text-anchor="middle">target (longer is better)</text>',
             *(bar(result, 24 + BAR * number) for number, result in enumerate(rows)),
             f'<line x1="{at}" y1="22" x2="{at}" y2="{height - 16}" stroke="#222"'
             ' stroke-dasharray="4 3"/>', "</svg>"]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "\n")


def file_system(folder):
    """The type of the file system that a folder is on."""
    best = ("", "unknown")
    folder = os.path.realpath(folder)
    with open("/proc/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, place, kind = line.split()[:3]
            inside = folder == place or folder.startswith(place.rstrip("/") + "/")
            if inside and len(place) >= len(best[0]):
                best = (place, kind)
    return best[1]


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.split("\n")[0].strip()
    except OSError:
        return ""


def found_in(path, pattern):
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.M)
    except OSError:
        return "unknown"
    return found.group(1) if found else "unknown"


def machine(bench):
    """The machine in words, without its name or its folders."""
    memory = int(found_in("/proc/meminfo", r"^MemTotal:\s*(\d+)")) / 1024 / 1024
    model = found_in("/proc/cpuinfo", r"^model name.*: (.*)$")
    system = found_in("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)')
    return [
        f"{model}, {len(os.sched_getaffinity(0))} processors, {memory:.0f} GiB",
        f"{system}, Linux {platform.release().split('-')[0]}, {first_line('cc', '--version')}",
        f"disk: {file_system(bench.disk)}; tmpfs: {'yes' if bench.tmpfs else 'none'};"
        f" data of P1 and P7: {bench.data.describe()}",
        f"load when it began: {bench.load:.1f}; above 0.5 others were at work, and the times are rough",
    ]


def limit(row, number):
    return "" if number is None else f"{'≤' if row.at_most else '≥'} {plain(number)}"


def target_table(results):
    yield "| row | what | figure | target | | reach | | |"
    yield "|---|---|---|---|---|---|---|---|"
    for result in results:
        row = result.row
        must, reach = result.words()
        if result.problem:
            yield f"| {row.name} | {row.what} | | {limit(row, row.must)} | {must}: {result.problem} | | | |"
            continue
        figure = f"{shown(row, result.figure.value)} {row.unit}".strip()
        detail = result.detail().removeprefix(row.unit).removeprefix("; ")
        yield (f"| {row.name} | {row.what} | {figure} | {limit(row, row.must)} |"
               f" {must if row.must is not None else ''} | {limit(row, row.reach)} | {reach or ''} |"
               f" {detail} |")


def instruction_table(results):
    yield "| row | what | instructions a byte | target | | in all |"
    yield "|---|---|---|---|---|---|"
    for result in results:
        row = result.row
        word = result.words()[0] if row.must is not None or result.problem else ""
        begin = f"| {row.name} | {row.what} |"
        if result.problem:
            yield f"{begin} | {limit(row, row.must)} | {word}: {result.problem} | |"
        else:
            yield (f"{begin} {result.figure.value:.2f} | {limit(row, row.must)} | {word} |"
                   f" {result.figure.note.removesuffix(' in all')} |")


def replace(text, name, lines):
    """The text with the lines between the two comments of that name."""
    block = f"<!-- {name} -->\n" + "\n".join(lines) + f"\n<!-- end {name} -->"
    changed, times = re.subn(rf"<!-- {name} -->.*?<!-- end {name} -->", lambda _: block, text,
                             flags=re.S)
    if times != 1:
        raise SystemExit(f"docs/performance.md has {times} places for {name}")
    return changed


def document(results, bench, root, command, today):
    """Puts the results into docs/performance.md, and the plot beside it."""
    path = os.path.join(root, "docs", "performance.md")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    counted = [result for result in results if "instructions" in result.row.unit]
    timed = [result for result in results if result not in counted]
    if timed:
        text = replace(text, "machine", [f"{today}, `{command}`:", "",
                                         *(f"- {line}" for line in machine(bench))])
        text = replace(text, "rows", target_table(timed))
        write_plot(results, os.path.join(root, "docs", "performance.svg"))
    if counted:
        text = replace(text, "instructions", instruction_table(counted))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
