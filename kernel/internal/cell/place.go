package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strconv"
	"strings"
)

// Functions that ask the runtime where they were called from: they are told.

// placed is a call of such a function, or nil where f is none.
func (u *lowerer) placed(e *ast.CallExpr, recv func() string, f *types.Func, sig *types.Signature) *call {
	if f.Pkg() == nil {
		return nil
	}
	owner := ""
	if r := f.Signature().Recv(); r != nil {
		owner = recvTypeName(r.Type())
	}
	at := u.s.at(u.f.fset, e.Lparen, "")
	var fn string
	switch path := f.Pkg().Path(); {
	case path == "log" && logs(f.Name()):
	case path == "runtime" && owner == "Func":
		fn = "core.Func" + f.Name()
	case path == "runtime" && f.Name() == "FuncForPC":
		return u.simpleCall(e, sig, "core.FuncForPC")
	case path == "runtime" && f.Name() == "Caller":
		if tv := u.f.info.Types[e.Args[0]]; tv.Value == nil || tv.Value.ExactString() != "0" {
			u.refuse("runtime.Caller of another function's caller", "")
		}
		text := fmt.Sprintf("core.Caller(%q, %d, %q)", cellName(at.Cell), at.Line, u.f.name)
		return &call{results: u.resultTypes(sig), render: func([]string) string { return text }}
	default:
		return nil
	}
	args := u.args(e, sig, true)
	c := &call{types: args.types, results: u.resultTypes(sig)}
	told := ""
	if f.Pkg().Path() == "log" {
		fn, _ = unplaced(f)
		told = fmt.Sprintf("%q, %q", f.Name(), fmt.Sprintf("%s:%d", cellName(at.Cell), at.Line))
	}
	if owner == "" {
		c.ops = u.all(args, nil, nil)
		c.render = func(ops []string) string { return fn + "(" + list(told, args.join(ops)) + ")" }
		return c
	}
	c.ops = u.all(args, recvExpr(e), recv)
	c.types = append([]string{u.tx(f.Signature().Recv().Type())}, c.types...)
	c.render = func(ops []string) string { return fn + "(" + list(ops[0], told, args.join(ops[1:])) + ")" }
	return c
}

// list joins what is not empty with commas.
func list(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, ", ")
}

// logs reports that a function or method of package log writes a line.
func logs(name string) bool {
	switch name {
	case "Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln":
		return true
	}
	return false
}

// unplaced is a function or method of package log as a value, which cannot be
// told where it is called from; "" for every other.
func unplaced(f *types.Func) (fn, told string) {
	if f.Pkg() == nil || f.Pkg().Path() != "log" || !logs(f.Name()) {
		return "", ""
	}
	fn = "core.LogDefault"
	if f.Signature().Recv() != nil {
		fn = "core.Log"
	}
	if strings.HasSuffix(f.Name(), "f") {
		fn += "f"
	}
	return fn, strconv.Quote(f.Name()) + `, "???:0"`
}
