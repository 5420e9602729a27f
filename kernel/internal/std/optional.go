package std

import (
	"io"

	"spindle/kernel/internal/core"
)

// optional makes adapters that also have the methods which the standard
// library asks for beyond the interface that it takes: io.Copy uses WriteTo
// and ReadFrom, io.WriteString WriteString, net/http closes a body.
var optional = map[string]func(core.Obj) any{
	"io.Reader": func(o core.Obj) any {
		r, h := a_io_Reader{core.Holder{Obj: o}}, core.Holder{Obj: o}
		switch to, closes := has(o, "WriteTo", 2, 2), has(o, "Close", 1, 1); {
		case to && closes:
			return struct {
				a_io_Reader
				io.WriterTo
				io.Closer
			}{r, a_io_WriterTo{h}, a_io_Closer{h}}
		case to:
			return struct {
				a_io_Reader
				io.WriterTo
			}{r, a_io_WriterTo{h}}
		case closes:
			return struct {
				a_io_Reader
				io.Closer
			}{r, a_io_Closer{h}}
		}
		return r
	},
	"io.Writer": func(o core.Obj) any {
		w, h := a_io_Writer{core.Holder{Obj: o}}, core.Holder{Obj: o}
		switch from, str := has(o, "ReadFrom", 2, 2), has(o, "WriteString", 2, 2); {
		case from && str:
			return struct {
				a_io_Writer
				io.ReaderFrom
				io.StringWriter
			}{w, a_io_ReaderFrom{h}, a_io_StringWriter{h}}
		case from:
			return struct {
				a_io_Writer
				io.ReaderFrom
			}{w, a_io_ReaderFrom{h}}
		case str:
			return struct {
				a_io_Writer
				io.StringWriter
			}{w, a_io_StringWriter{h}}
		}
		return w
	},
}

// has says whether o has a method of that name which takes in values, the
// receiver among them, and returns out.
func has(o core.Obj, name string, in, out int) bool {
	m, ok := o.T.Method(name)
	return ok && m.Type().NumIn() == in && m.Type().NumOut() == out
}
