package complete

import (
	"go/ast"
	"go/token"
	"strings"
)

// builtins are the signatures of package builtin, which go/types doesn't give.
var builtins = map[string]string{
	"append":  "(slice []Type, elems ...Type) []Type",
	"cap":     "(v Type) int",
	"clear":   "(t Type)",
	"close":   "(c chan<- Type)",
	"complex": "(r, i FloatType) ComplexType",
	"copy":    "(dst, src []Type) int",
	"delete":  "(m map[Type]Type1, key Type)",
	"imag":    "(c ComplexType) FloatType",
	"len":     "(v Type) int",
	"make":    "(t Type, size ...IntegerType) Type",
	"max":     "(x T, y ...T) T",
	"min":     "(x T, y ...T) T",
	"new":     "(Type) *Type",
	"panic":   "(v any)",
	"print":   "(args ...Type)",
	"println": "(args ...Type)",
	"real":    "(c ComplexType) FloatType",
	"recover": "() any",
}

// inExpressions are the keywords that may begin an operand or a type.
var inExpressions = []string{"chan", "func", "interface", "map", "struct"}

// atStatements are the keywords that may begin a statement of a cell.
var atStatements = []string{
	"break", "const", "continue", "defer", "else", "fallthrough", "for", "func", "go", "goto",
	"if", "import", "return", "select", "switch", "type", "var", "case", "default", "range",
}

// snippets are longer pieces by the word that they begin with.
var snippets = []struct{ word, text, about string }{
	{"for", "for i := range n {\n\t\n}", "count to n"},
	{"for", "for i, v := range xs {\n\t\n}", "range over a slice"},
	{"for", "for v := range ch {\n\t\n}", "receive until ch is closed"},
	{"func", "func name() {\n\t\n}", "declare a function"},
	{"func", "func main() {\n\t\n}", "a whole program"},
	{"go", "go func() {\n\t\n}()", "start a goroutine"},
	{"defer", "defer func() {\n\t\n}()", "run at the function's end"},
	{"if", "if err != nil {\n\treturn err\n}", "hand an error on"},
	{"select", "select {\ncase v := <-ch:\n\t_ = v\ncase <-ctx.Done():\n\treturn\n}", "wait for several channels"},
	{"switch", "switch v {\ncase 1:\n\t\ndefault:\n\t\n}", "choose by value"},
	{"type", "type name struct {\n\t\n}", "declare a struct"},
}

// words proposes keywords and snippets where the syntax has room for them.
func (s *search) words() {
	for _, w := range inExpressions {
		s.add(Item{Text: w, Kind: "keyword"}, rankKeyword, nil)
	}
	if !s.statement() {
		return
	}
	for _, w := range atStatements {
		s.add(Item{Text: w, Kind: "keyword"}, rankKeyword, nil)
	}
	if s.prefix == "" {
		return
	}
	for _, sn := range snippets {
		if strings.HasPrefix(sn.word, s.prefix) {
			s.add(Item{Text: sn.text, Kind: "snippet", Signature: sn.about}, rankOther, nil)
		}
	}
}

// statement says that the place begins a statement.
func (s *search) statement() bool {
	if s.view.ident == nil {
		return true
	}
	switch s.view.parent(1).(type) {
	case *ast.ExprStmt:
		return true
	case *ast.RangeStmt, *ast.ForStmt:
		// for i := r|
		return strings.HasPrefix("range", s.prefix)
	}
	return false
}

// keywordDocs says what a keyword does, with the section of the language
// specification that defines it.
var keywordDocs = map[token.Token][2]string{
	token.BREAK:       {"ends the innermost for, switch or select, or the labelled one", "Break_statements"},
	token.CASE:        {"begins one choice of a switch or select", "Switch_statements"},
	token.CHAN:        {"is the type of channels: chan T, <-chan T (receive only), chan<- T (send only)", "Channel_types"},
	token.CONST:       {"declares constants", "Constant_declarations"},
	token.CONTINUE:    {"begins the next iteration of the innermost or the labelled loop", "Continue_statements"},
	token.DEFAULT:     {"begins the choice taken where no case of a switch or select is", "Switch_statements"},
	token.DEFER:       {"calls a function when the surrounding function returns, the last deferred first", "Defer_statements"},
	token.ELSE:        {"begins what runs where an if's condition is false", "If_statements"},
	token.FALLTHROUGH: {"goes on with the next case's statements", "Fallthrough_statements"},
	token.FOR:         {"repeats a block: for cond {}, for i := 0; i < n; i++ {}, for i, v := range x {}", "For_statements"},
	token.FUNC:        {"declares a function or method, or writes a function literal", "Function_declarations"},
	token.GO:          {"calls a function in a new goroutine and does not wait for it", "Go_statements"},
	token.GOTO:        {"continues at a label of the same function", "Goto_statements"},
	token.IF:          {"runs a block where a condition is true", "If_statements"},
	token.IMPORT:      {"makes a package's exported names usable", "Import_declarations"},
	token.INTERFACE:   {"is a set of types, given by their methods", "Interface_types"},
	token.MAP:         {"is the type of maps: map[K]V", "Map_types"},
	token.PACKAGE:     {"names the package of a file", "Package_clause"},
	token.RANGE:       {"iterates over an integer, slice, array, string, map, channel or iterator function", "For_range"},
	token.RETURN:      {"ends the function and gives its results", "Return_statements"},
	token.SELECT:      {"waits until one of several channel operations can go on", "Select_statements"},
	token.STRUCT:      {"is a type of named fields", "Struct_types"},
	token.SWITCH:      {"chooses one of several cases by value or by type", "Switch_statements"},
	token.TYPE:        {"declares a type", "Type_declarations"},
	token.VAR:         {"declares variables", "Variable_declarations"},
}
