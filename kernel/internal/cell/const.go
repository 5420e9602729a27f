package cell

import (
	"fmt"
	"go/constant"
	"go/types"
	"math"
	"strconv"
	"strings"
)

// literal spells a constant of type t; the core knows no constant arithmetic.
func (u *lowerer) literal(v constant.Value, t types.Type) string {
	t = u.s.subst(u.env(), t)
	if types.IsInterface(t) {
		def := map[constant.Kind]types.BasicKind{
			constant.Bool: types.Bool, constant.String: types.String, constant.Int: types.Int,
			constant.Float: types.Float64, constant.Complex: types.Complex128,
		}[v.Kind()]
		return u.literal(v, types.Typ[def])
	}
	b, ok := t.Underlying().(*types.Basic)
	if !ok {
		u.refuse("a constant of type "+t.String(), "")
	}
	if b.Info()&types.IsUntyped != 0 {
		b = types.Default(b).(*types.Basic)
		t = b
	}
	x := u.tx(t)
	wrap := func(lit string) string {
		if x == "int" || x == "string" || x == "bool" {
			return lit
		}
		return x + "(" + lit + ")"
	}
	switch {
	case b.Info()&types.IsBoolean != 0:
		return wrap(strconv.FormatBool(constant.BoolVal(v)))
	case b.Info()&types.IsString != 0:
		return wrap(strconv.Quote(constant.StringVal(v)))
	case b.Info()&types.IsInteger != 0:
		s := constant.ToInt(v).ExactString()
		if strings.HasPrefix(s, "-") {
			s = "(" + s + ")"
		}
		return wrap(s)
	case b.Info()&types.IsFloat != 0:
		return wrap(u.float(constant.ToFloat(v), b.Kind() == types.Float32))
	case b.Info()&types.IsComplex != 0:
		c := constant.ToComplex(v)
		if b.Kind() == types.Complex64 {
			return fmt.Sprintf("complex64(core.Complex(%s, %s))", u.float(constant.Real(c), false), u.float(constant.Imag(c), false))
		}
		return fmt.Sprintf("core.Complex(%s, %s)", u.float(constant.Real(c), false), u.float(constant.Imag(c), false))
	}
	u.refuse("a constant of type "+t.String(), "")
	return ""
}

func (u *lowerer) float(v constant.Value, single bool) string {
	f, _ := constant.Float64Val(v)
	if single {
		g, _ := constant.Float32Val(v)
		f = float64(g)
	}
	if math.IsInf(f, 0) {
		u.refuse("a constant that overflows float64", "")
	}
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	if f < 0 {
		s = "(" + s + ")"
	}
	return s
}
