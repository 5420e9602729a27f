package core

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"sort"
	"strings"
	"unsafe"
)

// Formatting: a value in an interface is an Obj, which prints as package fmt
// would print the learner's type: with its name, its fields' names and its
// methods, at every depth (fmt/print.go, printValue and handleMethods).

// Format implements fmt.Formatter.
func (o Obj) Format(f fmt.State, verb rune) {
	p := printer{f, verb, f.Flag('+') && verb == 'v', f.Flag('#') && verb == 'v'}
	p.value(reflect.ValueOf(o.V), o.T, 0, true)
}

type printer struct {
	fmt.State
	verb         rune
	plusV, goSyn bool
}

func (p printer) str(s string) { io.WriteString(p.State, s) }

// leaf prints a value that fmt itself prints rightly.
func (p printer) leaf(v any) { fmt.Fprintf(p.State, fmt.FormatString(p.State, p.verb), v) }

func (p printer) bad(v reflect.Value, t *Type) {
	p.str("%!" + string(p.verb) + "(" + t.Name + "=")
	if basic(v.Kind()) {
		fmt.Fprint(p.State, builtin(v))
	} else {
		q := p
		q.verb = 'v'
		q.value(v, t, 1, false)
	}
	p.str(")")
}

// methods calls Format, GoString, Error or String as fmt would.
func (p printer) methods(v reflect.Value, t *Type) (handled bool) {
	call := func(name string, args ...any) []reflect.Value {
		return Obj{t, v.Interface()}.Call(name, args...)
	}
	is := func(name string) bool {
		m, ok := t.Method(name)
		return ok && m.Type().NumIn() == 1 && m.Type().NumOut() == 1 && m.Type().Out(0).Kind() == reflect.String
	}
	defer func() {
		if r := recover(); r != nil {
			handled = true
			if v.Kind() == reflect.Pointer && v.IsNil() {
				p.str("<nil>")
				return
			}
			name := "String"
			if is("Error") {
				name = "Error"
			}
			p.str(fmt.Sprintf("%%!%c(PANIC=%s method: %s)", p.verb, name, AsPanicking(r).valueText()))
		}
	}()
	if m, ok := t.Method("Format"); ok && m.Type().NumIn() == 3 {
		call("Format", p.State, p.verb)
		return true
	}
	if p.goSyn {
		if is("GoString") {
			p.str(call("GoString")[0].String())
			return true
		}
		return false
	}
	switch p.verb {
	case 'v', 's', 'x', 'X', 'q':
		for _, name := range []string{"Error", "String"} {
			if is(name) {
				s := call(name)[0].String()
				q := p
				if q.verb == 'v' {
					q.verb = 's'
				}
				fmt.Fprintf(p.State, fmt.FormatString(plain{p.State}, q.verb), s)
				return true
			}
		}
	}
	return false
}

// plain hides the + of %+v, which means nothing to %s.
type plain struct{ fmt.State }

func (s plain) Flag(c int) bool { return c != '+' && s.State.Flag(c) }

func (p *Panicking) valueText() string { return fmt.Sprint(p.Value) }

// value prints v, of the learner's type t; exported says that methods may be
// called, which they may not be on what unexported fields hold.
func (p printer) value(v reflect.Value, t *Type, depth int, exported bool) {
	if !v.IsValid() {
		p.str("<nil>")
		return
	}
	if exported && t.methodsKnown() && p.methods(v, t) {
		return
	}
	if !t.Learner && t.Kind != reflect.Interface {
		p.native(v, depth, exported)
		return
	}
	if t.Wrapped {
		v = v.Field(0)
	}
	switch t.Kind {
	case reflect.Struct:
		p.structValue(v, t, depth, exported)
	case reflect.Interface:
		e := v
		if v.Kind() == reflect.Interface {
			e = v.Elem()
		}
		if !e.IsValid() {
			if p.goSyn {
				p.str(t.Name + "(nil)")
			} else {
				p.str("<nil>")
			}
			return
		}
		p.dynamic(In(e.Interface()), depth+1, exported)
	case reflect.Map:
		p.mapValue(v, t, depth, exported)
	case reflect.Slice, reflect.Array:
		p.list(v, t, depth, exported)
	case reflect.Pointer:
		if depth == 0 && !v.IsNil() && t.Elem != nil {
			switch t.Elem.Kind {
			case reflect.Array, reflect.Slice, reflect.Struct, reflect.Map:
				p.str("&")
				p.value(v.Elem(), t.Elem, depth+1, exported)
				return
			}
		}
		p.pointer(v, t)
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		p.pointer(v, t)
	default:
		if !takes(v.Kind(), p.verb) {
			p.bad(v, t)
			return
		}
		p.leaf(builtin(v))
	}
}

// takes reports that fmt has verb for values of a basic kind.
func takes(k reflect.Kind, verb rune) bool {
	switch k {
	case reflect.Bool:
		return strings.ContainsRune("tv", verb)
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return strings.ContainsRune("vbgGxXfFeE", verb)
	case reflect.String:
		return strings.ContainsRune("vsxXq", verb)
	}
	return strings.ContainsRune("vdboOxXcqU", verb)
}

func (t *Type) methodsKnown() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.methods) > 0
}

// dynamic prints what an interface holds.
func (p printer) dynamic(x any, depth int, exported bool) {
	if o, ok := x.(Obj); ok {
		p.value(reflect.ValueOf(o.V), o.T, depth, exported)
		return
	}
	p.native(reflect.ValueOf(x), depth, exported)
}

// native prints a value that is what its reflect type says.
func (p printer) native(v reflect.Value, depth int, exported bool) {
	if v.Kind() == reflect.Interface {
		if v.IsNil() {
			p.str("<nil>")
			return
		}
		p.dynamic(In(v.Interface()), depth, exported)
		return
	}
	if !exported {
		// fmt would print the learner's values in it as what they are made of.
		if t := holdsAny(v.Type()); t.Learner {
			p.value(v, t, depth, false)
			return
		}
		v = hide(v)
	}
	if depth > 0 && v.Kind() == reflect.Pointer {
		if exported {
			switch v.Interface().(type) {
			case fmt.Formatter, fmt.Stringer, error:
				p.leaf(v.Interface())
				return
			}
		}
		if v.IsNil() && p.verb == 'v' && !p.goSyn {
			p.str("<nil>")
			return
		}
		p.leaf(unsafe.Pointer(v.Pointer()))
		return
	}
	if v.CanInterface() {
		p.leaf(v.Interface())
		return
	}
	p.leaf(v)
}

// holdsAny is a descriptor of a native slice, array or map; Learner says that
// what it holds may be the learner's, for it is in interfaces.
func holdsAny(r reflect.Type) *Type {
	t := &Type{Name: r.String(), Kind: r.Kind(), R: r}
	switch t.Kind {
	case reflect.Interface:
		t.Learner = true
	case reflect.Map:
		t.Key, t.Elem = holdsAny(r.Key()), holdsAny(r.Elem())
		t.Learner = t.Key.Learner || t.Elem.Learner
	case reflect.Slice, reflect.Array:
		t.Elem = holdsAny(r.Elem())
		t.Learner = t.Elem.Learner
	}
	return t
}

// hide makes v what an unexported field would give: no methods are called.
func hide(v reflect.Value) reflect.Value {
	t := reflect.StructOf([]reflect.StructField{{Name: "x", PkgPath: "main", Type: v.Type()}})
	s := reflect.New(t)
	reflect.NewAt(v.Type(), s.UnsafePointer()).Elem().Set(v)
	return s.Elem().Field(0)
}

// builtin is v without its named type, and so without methods.
func builtin(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Int:
		return int(v.Int())
	case reflect.Int8:
		return int8(v.Int())
	case reflect.Int16:
		return int16(v.Int())
	case reflect.Int32:
		return int32(v.Int())
	case reflect.Int64:
		return v.Int()
	case reflect.Uint:
		return uint(v.Uint())
	case reflect.Uint8:
		return uint8(v.Uint())
	case reflect.Uint16:
		return uint16(v.Uint())
	case reflect.Uint32:
		return uint32(v.Uint())
	case reflect.Uint64:
		return v.Uint()
	case reflect.Uintptr:
		return uintptr(v.Uint())
	case reflect.Float32:
		return float32(v.Float())
	case reflect.Float64:
		return v.Float()
	case reflect.Complex64:
		return complex64(v.Complex())
	case reflect.Complex128:
		return v.Complex()
	case reflect.String:
		return v.String()
	}
	return v.Interface()
}

func (p printer) structValue(v reflect.Value, t *Type, depth int, exported bool) {
	if p.goSyn {
		p.str(t.Name)
	}
	p.str("{")
	for i, f := range t.Fields {
		if i > 0 {
			if p.goSyn {
				p.str(", ")
			} else {
				p.str(" ")
			}
		}
		if p.plusV || p.goSyn {
			p.str(f.Name + ":")
		}
		fv := v.Field(i)
		if f.Type.Kind == reflect.Interface && fv.Kind() == reflect.Interface {
			// printValue takes the element of a field at once (getField).
			if fv.IsNil() {
				if p.goSyn {
					p.str(f.Type.Name + "(nil)")
				} else {
					p.str("<nil>")
				}
				continue
			}
			p.dynamic(In(fv.Interface()), depth+1, exported && f.Exported)
			continue
		}
		p.value(fv, f.Type, depth+1, exported && f.Exported)
	}
	p.str("}")
}

func (p printer) list(v reflect.Value, t *Type, depth int, exported bool) {
	switch p.verb {
	case 's', 'q', 'x', 'X':
		if t.Elem.Kind == reflect.Uint8 && v.Type().Elem().Kind() == reflect.Uint8 {
			b := make([]byte, v.Len())
			reflect.Copy(reflect.ValueOf(b), v)
			p.leaf(b)
			return
		}
	}
	if p.goSyn {
		p.str(t.Name)
		if v.Kind() == reflect.Slice && v.IsNil() {
			p.str("(nil)")
			return
		}
		p.str("{")
		for i := range v.Len() {
			if i > 0 {
				p.str(", ")
			}
			p.value(v.Index(i), t.Elem, depth+1, exported)
		}
		p.str("}")
		return
	}
	p.str("[")
	for i := range v.Len() {
		if i > 0 {
			p.str(" ")
		}
		p.value(v.Index(i), t.Elem, depth+1, exported)
	}
	p.str("]")
}

func (p printer) mapValue(v reflect.Value, t *Type, depth int, exported bool) {
	if p.goSyn {
		p.str(t.Name)
		if v.IsNil() {
			p.str("(nil)")
			return
		}
		p.str("{")
	} else {
		p.str("map[")
	}
	keys := v.MapKeys()
	sort.SliceStable(keys, func(i, j int) bool { return order(keys[i], keys[j]) < 0 })
	for i, k := range keys {
		if i > 0 {
			if p.goSyn {
				p.str(", ")
			} else {
				p.str(" ")
			}
		}
		p.value(k, t.Key, depth+1, exported)
		p.str(":")
		p.value(v.MapIndex(k), t.Elem, depth+1, exported)
	}
	if p.goSyn {
		p.str("}")
	} else {
		p.str("]")
	}
}

// order is internal/fmtsort's: the order in which fmt prints a map's keys.
func order(a, b reflect.Value) int {
	if a.Kind() == reflect.Interface {
		if a.IsNil() || b.IsNil() {
			return boolOrder(b.IsNil(), a.IsNil())
		}
		x, y := In(a.Interface()), In(b.Interface())
		a, b = reflect.ValueOf(Raw(x)), reflect.ValueOf(Raw(y))
		if a.Type() != b.Type() {
			return strings.Compare(TypeName(x), TypeName(y))
		}
	}
	switch a.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return boolOrder(a.Int() > b.Int(), a.Int() < b.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return boolOrder(a.Uint() > b.Uint(), a.Uint() < b.Uint())
	case reflect.String:
		return strings.Compare(a.String(), b.String())
	case reflect.Float32, reflect.Float64:
		x, y := a.Float(), b.Float()
		return boolOrder(x > y || y != y && x == x, x < y || x != x && y == y)
	case reflect.Bool:
		return boolOrder(a.Bool() && !b.Bool(), !a.Bool() && b.Bool())
	case reflect.Struct:
		for i := range a.NumField() {
			if c := order(a.Field(i), b.Field(i)); c != 0 {
				return c
			}
		}
	case reflect.Array:
		for i := range a.Len() {
			if c := order(a.Index(i), b.Index(i)); c != 0 {
				return c
			}
		}
	case reflect.Pointer, reflect.Chan, reflect.UnsafePointer:
		return boolOrder(a.Pointer() > b.Pointer(), a.Pointer() < b.Pointer())
	}
	return 0
}

func boolOrder(greater, less bool) int {
	switch {
	case greater:
		return 1
	case less:
		return -1
	}
	return 0
}

func (p printer) pointer(v reflect.Value, t *Type) {
	switch p.verb {
	case 'v':
		if p.goSyn {
			if v.IsNil() {
				p.str("(" + t.Name + ")(nil)")
			} else {
				p.str(fmt.Sprintf("(%s)(%#x)", t.Name, v.Pointer()))
			}
			return
		}
		if v.IsNil() {
			p.str("<nil>")
			return
		}
		p.leaf(unsafe.Pointer(v.Pointer()))
	case 'p', 'b', 'o', 'd', 'x', 'X':
		p.leaf(unsafe.Pointer(v.Pointer()))
	default:
		p.bad(v, t)
	}
}

// The functions of package fmt that cells call: output goes to the cell, and
// %T and %p, which fmt does not leave to a Formatter, are seen to.

// types replaces the operands of %T and %p.
func operands(format string, args []any) (string, []any) {
	if !strings.Contains(format, "%") {
		return format, args
	}
	touched := false
	for _, a := range args {
		if _, ok := a.(holder); ok {
			touched = true
		}
	}
	if !touched {
		return format, args
	}
	out := append([]any(nil), args...)
	b := []byte(format)
	arg := 0
	for i := 0; i < len(b); i++ {
		if b[i] != '%' {
			continue
		}
		i++
		for i < len(b) && strings.IndexByte("+-# 0123456789.[]*", b[i]) >= 0 {
			switch b[i] {
			case '*':
				arg++
			case '[':
				n := 0
				for i++; i < len(b) && b[i] != ']'; i++ {
					n = n*10 + int(b[i]-'0')
				}
				arg = n - 1
			}
			i++
		}
		if i >= len(b) {
			break
		}
		if b[i] == '%' {
			continue
		}
		if arg >= 0 && arg < len(out) {
			if h, ok := out[arg].(holder); ok {
				switch b[i] {
				case 'T':
					b[i] = 's'
					out[arg] = h.obj().T.Name
				case 'p':
					out[arg] = h.obj().V
				}
			}
		}
		arg++
	}
	return string(b), out
}

// Printf is fmt.Printf.
func Printf(format string, args ...any) (int, error) {
	f, a := operands(format, args)
	s := fmt.Appendf(nil, f, a...)
	write(false, s)
	return len(s), nil
}

// FmtPrint is fmt.Print.
func FmtPrint(args ...any) (int, error) {
	s := appendPrint(nil, args)
	write(false, s)
	return len(s), nil
}

// FmtPrintln is fmt.Println.
func FmtPrintln(args ...any) (int, error) {
	s := fmt.Appendln(nil, args...)
	write(false, s)
	return len(s), nil
}

// appendPrint is fmt.Append: a space between operands of which neither is a
// string, to the learner's types' kind.
func appendPrint(b []byte, args []any) []byte {
	wasString := false
	for i, a := range args {
		isString := a != nil && reflect.ValueOf(Raw(a)).Kind() == reflect.String
		if i > 0 && !isString && !wasString {
			b = append(b, ' ')
		}
		b = fmt.Append(b, a)
		wasString = isString
	}
	return b
}

// Sprint is fmt.Sprint.
func Sprint(args ...any) string { return string(appendPrint(nil, args)) }

// Append is fmt.Append.
func Append(b []byte, args ...any) []byte { return appendPrint(b, args) }

// Sprintf is fmt.Sprintf.
func Sprintf(format string, args ...any) string {
	f, a := operands(format, args)
	return fmt.Sprintf(f, a...)
}

// Errorf is fmt.Errorf.
func Errorf(format string, args ...any) error {
	f, a := operands(format, args)
	for i, x := range a {
		// %w wants an error, which an Obj is not.
		if o, ok := x.(Obj); ok {
			if _, ok := o.T.Method("Error"); ok {
				a = append([]any(nil), a...)
				a[i] = ToError(o)
			}
		}
	}
	return fmt.Errorf(f, a...)
}

// Fprintf is fmt.Fprintf.
func Fprintf(w io.Writer, format string, args ...any) (int, error) {
	f, a := operands(format, args)
	if stdout(w) {
		s := fmt.Appendf(nil, f, a...)
		write(w == io.Writer(os.Stderr), s)
		return len(s), nil
	}
	return fmt.Fprintf(w, f, a...)
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
		s := appendPrint(nil, args)
		write(w == io.Writer(os.Stderr), s)
		return len(s), nil
	}
	return w.Write(appendPrint(nil, args))
}

// Appendf is fmt.Appendf.
func Appendf(b []byte, format string, args ...any) []byte {
	f, a := operands(format, args)
	return fmt.Appendf(b, f, a...)
}

func stdout(w io.Writer) bool { return w == io.Writer(os.Stdout) || w == io.Writer(os.Stderr) }

// Format makes adapters print as the value they stand for.
func (h Holder) Format(f fmt.State, verb rune) { h.Obj.Format(f, verb) }
