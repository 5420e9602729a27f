"""Types into jupyter console as a person would, and fails where the answer isn't there."""

import re
import sys

import pexpect

ansi = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[=>]|\r")

console = pexpect.spawn(
    sys.argv[1],
    ["console", "--kernel=spindle", "--ZMQTerminalInteractiveShell.highlighting_style=default"],
    encoding="utf-8",
    timeout=90,
    dimensions=(40, 120),
)
transcript = []


class Log:
    def write(self, s):
        transcript.append(s)

    def flush(self):
        pass


console.logfile_read = Log()


def answer_terminal():
    """prompt_toolkit asks the terminal where its cursor is."""
    console.send("\x1b[1;1R")


def prompt(n):
    console.expect(rf"In \[{n}\]")


def run(code, *wants):
    console.send(code)
    console.send("\r")
    for want in wants:
        console.expect(want)


try:
    console.expect("Spindle|spindle")
    prompt(1)
    run("x := 6", r"In \[2\]")
    run("x * 7", r"42", r"In \[3\]")
    # is_complete: an open brace asks for another line, and the block runs as one.
    console.send("for i := range 2 {")
    console.send("\r")
    console.expect(r"\.\.\.:")
    console.send('println("turn", i) }')
    console.send("\r")
    run("", r"turn 0", r"turn 1")
    prompt(4)
    # Tab completes.
    console.send("strings.ToTit")
    console.send("\t")
    console.expect("ToTitle")
    console.send("\x15")  # clear the line
    # A mistake is told in Go's words, and the session goes on.
    run("y + 1", r"undefined: y", r"In \[5\]")
    # Ctrl-C interrupts.
    console.send("for {}")
    console.send("\r")
    console.expect("for")
    import time

    time.sleep(3)
    console.sendintr()
    console.expect("interrupted")
    prompt(6)
    run("x + 1", r"7", r"In \[7\]")
    console.send("\x04")  # Ctrl-D: leave
    index = console.expect(["Do you really want to exit", pexpect.EOF])
    if index == 0:
        console.send("y\r")
        console.expect(pexpect.EOF)
except (pexpect.TIMEOUT, pexpect.EOF) as e:
    print(ansi.sub("", "".join(transcript)))
    print("----", type(e).__name__, "waiting for", [getattr(s, "pattern", s) for s in (console.searcher._searches if hasattr(console.searcher, "_searches") else [])] if getattr(console, "searcher", None) else "")
    console.close(force=True)
    sys.exit(1)
console.close(force=True)
print(ansi.sub("", "".join(transcript)))
