package core

import (
	"fmt"
	"io"
	"os"
)

// The functions of package fmt that may write to the cell's output.

// Printf is fmt.Printf.
func Printf(format string, args ...any) (int, error) {
	s := fmt.Appendf(nil, format, args...)
	write(false, s)
	return len(s), nil
}

// FmtPrint is fmt.Print.
func FmtPrint(args ...any) (int, error) {
	s := fmt.Append(nil, args...)
	write(false, s)
	return len(s), nil
}

// FmtPrintln is fmt.Println.
func FmtPrintln(args ...any) (int, error) {
	s := fmt.Appendln(nil, args...)
	write(false, s)
	return len(s), nil
}

// Fprintf is fmt.Fprintf.
func Fprintf(w io.Writer, format string, args ...any) (int, error) {
	if stdout(w) {
		s := fmt.Appendf(nil, format, args...)
		write(w == io.Writer(os.Stderr), s)
		return len(s), nil
	}
	return fmt.Fprintf(w, format, args...)
}

// Fprintln is fmt.Fprintln.
func Fprintln(w io.Writer, args ...any) (int, error) {
	if stdout(w) {
		s := fmt.Appendln(nil, args...)
		write(w == io.Writer(os.Stderr), s)
		return len(s), nil
	}
	return fmt.Fprintln(w, args...)
}

// Fprint is fmt.Fprint.
func Fprint(w io.Writer, args ...any) (int, error) {
	if stdout(w) {
		s := fmt.Append(nil, args...)
		write(w == io.Writer(os.Stderr), s)
		return len(s), nil
	}
	return fmt.Fprint(w, args...)
}

func stdout(w io.Writer) bool { return w == io.Writer(os.Stdout) || w == io.Writer(os.Stderr) }
