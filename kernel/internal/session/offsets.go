package session

import "unicode/utf8"

// byteOffset turns a cursor in code points, as front ends count since protocol
// 5.2, into a byte offset. None, or one beyond the end, is the end.
func byteOffset(code string, cursor *int) int {
	if cursor == nil {
		return len(code)
	}
	n := 0
	for i := range code {
		if n >= *cursor {
			return i
		}
		n++
	}
	return len(code)
}

// runeOffset is the other way round.
func runeOffset(code string, offset int) int {
	return utf8.RuneCountInString(code[:max(0, min(offset, len(code)))])
}
