#!/usr/bin/env python3
"""Spindle beside ipykernel and gonb, by one client, in one run.

    export CGO_ENABLED=0  # as installed
    go build -o /tmp/bench/spindle ./kernel
    go build -o /tmp/bench/echo ./kernel/internal/session/sessiontest/echo
    python3 -m venv /tmp/bench/py && /tmp/bench/py/bin/pip install jupyter_client ipykernel
    /tmp/bench/py/bin/python docs/bench/bench.py --spindle /tmp/bench/spindle --echo /tmp/bench/echo [--gonb gonb]

gonb wants goimports on the PATH. It is built in a checkout:

    git clone https://github.com/janpfeifer/gonb /tmp/bench/src && (cd /tmp/bench/src && go build -o /tmp/bench/gonb .)
    GOBIN=/tmp/bench go install golang.org/x/tools/cmd/goimports@latest

Kernels take turns, round by round, so that what the machine does meanwhile
hits all of them. Printed is a Markdown table: median (min to max) over the
rounds, and the ratio of the medians to ipykernel's.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

CELLS = {
    # warm-up, a value, 20,000 lines, time stamps, an endless loop
    "ipykernel": (
        "import time",
        "1 + 1",
        "for i in range(20000): print('line', i)",
        "for i in range(250):\n    print(time.time_ns(), flush=True); time.sleep(0.002)",
        "print('on', flush=True)\nwhile True: pass",
    ),
    "spindle": (
        'import ("fmt"; "time")',
        "1 + 1",
        'for i := 0; i < 20000; i++ { fmt.Println("line", i) }',
        "for i := 0; i < 250; i++ { fmt.Println(time.Now().UnixNano()); time.Sleep(2 * time.Millisecond) }",
        'fmt.Println("on")\nfor {\n}',
    ),
    "gonb": (
        '%%\nfmt.Println("warm")',
        "%%\nfmt.Println(1 + 1)",
        '%%\nfor i := 0; i < 20000; i++ { fmt.Println("line", i) }',
        "%%\nfor i := 0; i < 250; i++ { fmt.Println(time.Now().UnixNano()); time.Sleep(2 * time.Millisecond) }",
        '%%\nfmt.Println("on")\nfor { time.Sleep(time.Millisecond) }',
    ),
    "echo": ("print warm", "value 2", "lines 20000", None, "block"),
}
ROWS = [
    ("start to ready", "ms"),
    ("start to its first answer", "ms"),
    ("start to its first answer, without the client's share", "ms"),
    ("`1 + 1`", "ms"),
    ("`1 + 1`, without the client's share", "ms"),
    ("20,000 lines", "ms"),
    ("messages for them", ""),
    ("a line's way, longest", "ms"),
    ("interrupt to reply", "ms"),
    ("idle RSS of all its processes", "MiB"),
]


def rss_mib(pid):
    """Resident memory of a process and all below it."""
    children, pages = {}, {}
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{p}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(p))
        pages[int(p)] = int(fields[21])
    total, queue = 0, [pid]
    while queue:
        p = queue.pop()
        total += pages.get(p, 0)
        queue += children.get(p, [])
    return total * os.sysconf("SC_PAGE_SIZE") / 2**20


class Session:
    def __init__(self, name):
        begun = time.perf_counter()
        self.km = KernelManager(kernel_name=name)
        self.km.start_kernel(stderr=subprocess.DEVNULL)
        self.kc = self.km.client()
        self.kc.start_channels()
        # wait_for_ready calls this when it has a reply and a message on IOPub,
        # and then listens until IOPub has been silent for 200 ms.
        handle = self.kc._handle_kernel_info_reply

        def answered(msg):
            self.answered = time.perf_counter() - begun
            handle(msg)

        self.kc._handle_kernel_info_reply = answered
        self.kc.wait_for_ready(timeout=120)
        self.ready = time.perf_counter() - begun

    def run(self, code, on=None, interrupt=False):
        """Seconds from sending a cell to having both its reply and its idle.
        on gets each message. With interrupt, from sending one when the cell is
        under way, which it says by printing; the echo kernel's says nothing."""
        begun = time.perf_counter()
        msg_id = self.kc.execute(code)
        while interrupt and code != "block":
            msg = self.kc.get_iopub_msg(timeout=120)
            if msg["msg_type"] == "stream" and msg["parent_header"].get("msg_id") == msg_id:
                break
        if interrupt:
            time.sleep(0.2)
            begun = time.perf_counter()
            self.km.interrupt_kernel()
        while True:
            msg = self.kc.get_iopub_msg(timeout=120)
            if msg["parent_header"].get("msg_id") != msg_id:
                continue
            if on:
                on(msg)
            if msg["content"].get("execution_state") == "idle":
                break
        while self.kc.get_shell_msg(timeout=120)["parent_header"].get("msg_id") != msg_id:
            pass
        return time.perf_counter() - begun

    def close(self):
        self.kc.stop_channels()
        self.km.shutdown_kernel(now=True)


def measure(name, cells):
    warm, value, lines, stamps, forever = CELLS[name]
    s = Session(name)
    try:
        got = {"start to ready": s.ready * 1e3, "start to its first answer": s.answered * 1e3}
        s.run(warm)
        time.sleep(1)
        got["idle RSS of all its processes"] = rss_mib(s.km.provisioner.pid)
        s.run(value)
        got["`1 + 1`"] = statistics.median(s.run(value) for _ in range(cells)) * 1e3
        texts = []

        def stream(msg):
            if msg["msg_type"] == "stream":
                texts.append(msg["content"]["text"])

        got["20,000 lines"] = s.run(lines, stream) * 1e3
        got["messages for them"] = len(texts)
        if "".join(texts).count("\n") < 20000:
            sys.exit(f"{name}: {''.join(texts).count(chr(10))} lines of 20,000")
        if stamps:
            late = [0]

            def stamp(msg):
                if msg["msg_type"] == "stream":
                    now = time.time_ns()
                    for line in msg["content"]["text"].split():
                        if line.isdigit():
                            late.append((now - int(line)) / 1e6)

            s.run(stamps, stamp)
            got["a line's way, longest"] = max(late)
        got["interrupt to reply"] = s.run(forever, interrupt=True) * 1e3
        return got
    finally:
        s.close()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--spindle", required=True)
    p.add_argument("--echo", required=True)
    p.add_argument("--gonb")
    p.add_argument("--rounds", type=int, default=10)
    p.add_argument("--cells", type=int, default=50, help="`1 + 1` cells a round")
    args = p.parse_args()
    specs = {
        "ipykernel": {"argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "language": "python"},
        "spindle": {"argv": [os.path.abspath(args.spindle), "{connection_file}"], "language": "go", "interrupt_mode": "message"},
        "echo": {"argv": [os.path.abspath(args.echo), "{connection_file}"], "language": "go", "interrupt_mode": "message"},
    }
    if args.gonb:
        specs["gonb"] = {"argv": [args.gonb, "--kernel", "{connection_file}"], "language": "go"}
    with tempfile.TemporaryDirectory() as d:
        for name, spec in specs.items():
            os.makedirs(f"{d}/kernels/{name}")
            with open(f"{d}/kernels/{name}/kernel.json", "w") as f:
                json.dump({"display_name": name, **spec}, f)
        os.environ["JUPYTER_PATH"], os.environ["XDG_DATA_HOME"] = d, d
        KernelSpecManager().find_kernel_specs()
        results = {name: [] for name in specs}
        for r in range(args.rounds + 1):
            for name in specs:
                print(f"round {r} of {args.rounds}: {name}", file=sys.stderr)
                got = measure(name, args.cells)
                if r > 0:  # the first is warm-up
                    results[name].append(got)
    for rounds in zip(*results.values()):
        echo = dict(zip(results, rounds))["echo"]
        for row in ("start to its first answer", "`1 + 1`"):
            share = echo[row]
            for got in rounds:
                got[row + ", without the client's share"] = got[row] - share

    names = [n for n in ("ipykernel", "spindle", "gonb") if n in specs]
    print("|  | " + " | ".join(names) + " | " + " | ".join(f"{n} : ipykernel" for n in names[1:]) + " | echo |")
    print("|---|" + "---|" * (2 * len(names)))
    for row, unit in ROWS:
        cells, medians = [], {}
        for name in names + ["echo"]:
            xs = [got[row] for got in results[name] if row in got]
            if not xs:
                cells.append("")
                continue
            medians[name] = statistics.median(xs)
            cells.append(f"{medians[name]:.3g} {unit} ({min(xs):.3g} to {max(xs):.3g})")
        ratios = [f"{medians[n] / medians['ipykernel']:.2f}" if n in medians else "" for n in names[1:]]
        print(f"| {row} | " + " | ".join(cells[:-1] + ratios + cells[-1:]) + " |")
    with open("/proc/cpuinfo") as f:
        cpu = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "?")
    print(f"\n{time.strftime('%Y-%m-%d')}, {platform.platform()}, {cpu}, {os.cpu_count()} CPUs, "
          f"load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, n = {args.rounds} rounds, "
          f"{args.cells} cells a round; median (min to max).")


if __name__ == "__main__":
    main()
