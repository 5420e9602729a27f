package core

import (
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
)

// Log is the method of l by that name, Println say, called at a place in a
// cell: package log would look for it on the stack, which is the interpreter's.
func Log(l *log.Logger, method, place string, args ...any) {
	if strings.HasSuffix(method, "ln") {
		output(l, method, place, fmt.Sprintln(args...))
	} else {
		output(l, method, place, fmt.Sprint(args...))
	}
}

// Logf is Log for the methods that take a format.
func Logf(l *log.Logger, method, place, format string, args ...any) {
	output(l, method, place, fmt.Sprintf(format, args...))
}

// LogDefault is Log of the package's functions.
func LogDefault(method, place string, args ...any) { Log(log.Default(), method, place, args...) }

// LogDefaultf is Logf of the package's functions.
func LogDefaultf(method, place, format string, args ...any) {
	Logf(log.Default(), method, place, format, args...)
}

// logging has a *sync.Mutex for each logger that writes places: its lines do
// not mix.
var logging sync.Map

func output(l *log.Logger, method, place, text string) {
	const file = log.Lshortfile | log.Llongfile
	if flags := l.Flags(); flags&file == 0 {
		_ = l.Output(2, text) // package log drops the error, too
	} else {
		prefix := l.Prefix()
		if flags&log.Lmsgprefix != 0 {
			prefix, text = "", prefix+text
		}
		m, _ := logging.LoadOrStore(l, new(sync.Mutex))
		m.(*sync.Mutex).Lock()
		defer m.(*sync.Mutex).Unlock()
		_ = log.New(l.Writer(), prefix, flags&^(file|log.Lmsgprefix)).Output(2, place+": "+text)
	}
	switch {
	case strings.HasPrefix(method, "Fatal"):
		os.Exit(1)
	case strings.HasPrefix(method, "Panic"):
		Panic(text)
	}
}
