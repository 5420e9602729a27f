package interp

import "testing"

// What a cell shows below its output.
func TestShownValue(t *testing.T) {
	const planets = `
type planet struct{ Name string; Moons int }
func (p planet) String() string { return fmt.Sprintf("%s (%d)", p.Name, p.Moons) }
type system struct{ Star string; Inner []planet; ByName map[string]planet; First *planet }
`
	for _, c := range []struct{ name, source, want string }{
		{"Stringers in a slice, none of them printed alone before", planets + `[]planet{{"Earth", 1}, {"Mars", 2}}`, "[Earth (1) Mars (2)]"},
		{"in a map", planets + `map[string]planet{"a": {"Earth", 1}}`, "map[a:Earth (1)]"},
		{
			"in the fields of a struct", planets + `system{"Sun", []planet{{"Earth", 1}}, map[string]planet{"m": {"Mars", 2}}, nil}`,
			"{Star:Sun Inner:[Earth (1)] ByName:map[m:Mars (2)] First:<nil>}",
		},
		{"a call that prints shows nothing more", `fmt.Println("x")`, ""},
		{"nor does Fprintf", `fmt.Fprintf(os.Stdout, "%d", 1)`, ""},
		{"another call with two results shows both", `strconv.Atoi("42")`, "42 nil"},
		{"Sprint is a value", `fmt.Sprint(1, 2)`, "1 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, err := New(Config{Output: func(int, bool, []byte) {}})
			if err != nil {
				t.Fatal(err)
			}
			o := i.Eval(Cell{Count: 1, Source: c.source})
			if o.Err != nil {
				t.Fatal(o.Err.Traceback)
			}
			got := ""
			if o.Value != nil {
				got, _ = o.Value.Data["text/plain"].(string)
			}
			if got != c.want {
				t.Errorf("it shows %q; want %q", got, c.want)
			}
		})
	}
}
