package named_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"testing"

	"spindle/kernel/internal/named"
)

type point = struct {
	X_x  int
	Name string
}

func makePoint(t *testing.T) reflect.Type {
	t.Helper()
	layout := reflect.TypeFor[point]()
	n := named.New(named.Spec{Name: "main.Point", PkgPath: "main", Layout: layout, Methods: 2, PtrMethods: 3})
	n.CompleteStruct([]named.Field{{Name: "x", Type: reflect.TypeFor[int]()}, {Name: "Name", Type: reflect.TypeFor[string](), Tag: `json:"name"`}})
	value := []named.Method{{"String", reflect.TypeFor[func() string]()}, {"Sum", reflect.TypeFor[func(int, float64, string, ...int) (string, int)]()}}
	if err := n.SetMethods(value, append(value, named.Method{Name: "UnmarshalText", Type: reflect.TypeFor[func([]byte) error]()})); err != nil {
		t.Fatal(err)
	}
	str := func(p point) string { return fmt.Sprintf("<%d %s>", p.X_x, p.Name) }
	sum := func(p point, a int, b float64, c string, d []int) (string, int) {
		return fmt.Sprint(p.Name, a, b, c, d), p.X_x + a
	}
	n.Bind("String", reflect.ValueOf(str))
	n.BindPointer("String", reflect.ValueOf(func(p *point) string { return str(*p) }))
	n.Bind("Sum", reflect.ValueOf(sum))
	n.BindPointer("Sum", reflect.ValueOf(func(p *point, a int, b float64, c string, d []int) (string, int) { return sum(*p, a, b, c, d) }))
	n.BindPointer("UnmarshalText", reflect.MakeFunc(reflect.TypeFor[func(*point, []byte) error](), func(a []reflect.Value) []reflect.Value {
		runtime.GC()
		a[0].Elem().Field(1).SetString(string(a[1].Bytes()))
		return []reflect.Value{reflect.Zero(reflect.TypeFor[error]())}
	}))
	return n.Type()
}

type celsius float64

func (c celsius) String() string { return fmt.Sprintf("%.1f°C", float64(c)) }

type place struct {
	X    int
	name string
	At   celsius
	Any  any
}

// TestFormat: every verb and flag prints a made type as fmt prints Go's.
func TestFormat(t *testing.T) {
	type raw = struct {
		X     int
		XName string
		At    float64
		Any   any
	}
	methods := []named.Method{{"String", reflect.TypeFor[func() string]()}}
	c := named.New(named.Spec{Name: "named_test.celsius", PkgPath: "main", Layout: reflect.TypeFor[float64](), Methods: 1, PtrMethods: 1})
	if err := c.SetMethods(methods, methods); err != nil {
		t.Fatal(err)
	}
	c.Bind("String", reflect.ValueOf(func(f float64) string { return celsius(f).String() }))
	c.BindPointer("String", reflect.ValueOf(func(f *float64) string { return celsius(*f).String() }))
	p := named.New(named.Spec{Name: "named_test.place", PkgPath: "main", Layout: reflect.TypeFor[raw]()})
	p.CompleteStruct([]named.Field{
		{Name: "X", Type: reflect.TypeFor[int]()},
		{Name: "name", Type: reflect.TypeFor[string]()},
		{Name: "At", Type: c.Type()},
		{Name: "Any", Type: reflect.TypeFor[any]()},
	})
	own := func(x any, n *named.Type) any { return named.As(x, n.Type()) }
	slice := reflect.SliceOf(p.Type())
	for _, v := range []struct {
		name      string
		own, want any
	}{
		{"stringer", own(36.6, c), celsius(36.6)},
		{"struct", own(raw{1, "n", 20, own(5.0, c)}, p), place{1, "n", 20, celsius(5)}},
		{"nil inside", own(raw{}, p), place{}},
		{"slice", named.As([]raw{{X: 1}, {At: 2}}, slice), []place{{X: 1}, {At: 2}}},
		{"nil slice", named.As([]raw(nil), slice), []place(nil)},
	} {
		for _, f := range []string{"%v", "%+v", "%#v", "%s", "%d", "%6.2f|", "%q", "%x", "%T", "%-8v|", "%08.3f", "%t"} {
			if got, want := fmt.Sprintf(f, v.own), fmt.Sprintf(f, v.want); got != want {
				t.Errorf("%s %s: got %q, Go prints %q", v.name, f, got, want)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	if err := named.Check(); err != nil {
		t.Error(err)
	}
}

// TestMethods: compiled code calls, decodes into and asks about a made type.
func TestMethods(t *testing.T) {
	typ := makePoint(t)
	x := named.As(point{7, "a"}, typ)
	if got, want := fmt.Sprintf("%v %+v %T", x, []any{x}, x), "<7 a> [<7 a>] main.Point"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if s, ok := x.(fmt.Stringer); !ok || s.String() != "<7 a>" {
		t.Error("no Stringer")
	}
	sm, ok := x.(interface {
		Sum(int, float64, string, ...int) (string, int)
	})
	if !ok {
		t.Fatal("no Sum")
	}
	a, b := sm.Sum(1, 2.5, "z", 4, 5)
	if a != "a1 2.5z[4 5]" || b != 8 {
		t.Error(a, b)
	}
	r := reflect.ValueOf(x).MethodByName("Sum").Call([]reflect.Value{reflect.ValueOf(1), reflect.ValueOf(2.5), reflect.ValueOf("z"), reflect.ValueOf(9)})
	if r[0].String() != "a1 2.5z[9]" {
		t.Error(r[0])
	}
	r = typ.Method(1).Func.Call([]reflect.Value{reflect.ValueOf(x), reflect.ValueOf(1), reflect.ValueOf(2.5), reflect.ValueOf("z")})
	if r[0].String() != "a1 2.5z[]" {
		t.Error(r[0])
	}
	if typ.Name() != "Point" || typ.PkgPath() != "main" || typ.NumMethod() != 2 || reflect.PointerTo(typ).NumMethod() != 3 || reflect.PointerTo(typ).String() != "*main.Point" {
		t.Error(typ.Name(), typ.PkgPath())
	}
	if f := typ.Field(0); f.Name != "x" || f.PkgPath != "main" || f.IsExported() {
		t.Error(f)
	}
	list := reflect.New(reflect.SliceOf(typ))
	if err := json.Unmarshal([]byte(`["u","v"]`), list.Interface()); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(list.Elem()); got != "[<0 u> <0 v>]" {
		t.Error(got)
	}
	m := reflect.MakeMap(named.MapOf(typ, reflect.TypeFor[int](), reflect.TypeFor[map[point]int]()))
	m.SetMapIndex(reflect.ValueOf(x), reflect.ValueOf(1))
	back := named.As(m.Interface(), reflect.TypeFor[map[point]int]()).(map[point]int)
	if back[point{7, "a"}] != 1 {
		t.Error(back)
	}
}
