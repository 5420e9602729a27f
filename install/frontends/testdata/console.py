"""Types into jupyter console as a person would, and fails where the answer isn't there."""

import re
import sys
import time
import traceback

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


# Colours may stand anywhere in what the console prints.
C = r"(?:\x1b\[[0-9;?]*[a-zA-Z])*"


def prompt(n):
    console.expect(rf"In {C}\[{C}{n}{C}\]")


def value(v):
    console.expect(rf"Out{C}\[{C}\d+{C}\]: {C}{v}")


def enter(code):
    console.send(code)
    time.sleep(0.3)  # typed, not pasted: a paste would take the Enter for a new line
    console.send("\r")


try:
    console.expect("Spindle: Go")
    prompt(1)
    enter("x := 6")
    prompt(2)
    enter("x * 7")
    value(42)
    prompt(3)
    # An open brace asks for another line, and the block runs as one.
    enter("for i := range 2 {")
    console.expect(r"\.\.\.:")
    enter('fmt.Println("turn", i*10) }')
    enter("")
    console.expect("turn 0")
    console.expect("turn 10")
    prompt(4)
    # Tab completes.
    console.send("strings.ToTit")
    console.send("\t")
    console.expect("ToTitle|le")
    console.send("\x15")  # clear the line
    time.sleep(0.3)
    # A mistake is told in Go's words, and the session goes on.
    enter("y + 1")
    console.expect("undefined: y")
    prompt(5)
    # Ctrl-C interrupts.
    enter("for {}")
    time.sleep(3)
    console.sendintr()
    console.expect("interrupted")
    prompt(6)
    enter("x + 1")
    value(7)
    prompt(7)
    console.send("\x04")  # Ctrl-D: leave
    if console.expect(["Do you really want to exit", pexpect.EOF]) == 0:
        console.send("y\r")
        console.expect(pexpect.EOF)
except (pexpect.TIMEOUT, pexpect.EOF) as e:
    print(ansi.sub("", "".join(transcript)))
    traceback.print_exc()
    console.close(force=True)
    sys.exit(1)
console.close(force=True)
print(ansi.sub("", "".join(transcript)))
