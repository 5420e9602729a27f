#include "textflag.h"

// Each stub says its number; the end loads that closure, where compiled code
// expects one, and goes on in the closure's code with arguments and stack as
// they came: 8 bytes.
#define S(i) MOVD $(i), R16; JMP common;
#define S4(i) S(i) S((i)+1) S((i)+2) S((i)+3)
#define S16(i) S4(i) S4((i)+4) S4((i)+8) S4((i)+12)
#define S64(i) S16(i) S16((i)+16) S16((i)+32) S16((i)+48)
#define S256(i) S64(i) S64((i)+64) S64((i)+128) S64((i)+192)
#define S1024(i) S256(i) S256((i)+256) S256((i)+512) S256((i)+768)

TEXT ·stubs(SB), NOSPLIT|NOFRAME, $0-0
	S1024(0)
	S1024(1024)
	S1024(2048)
	S1024(3072)
	S1024(4096)
	S1024(5120)
	S1024(6144)
	S1024(7168)
common:
	MOVD $·contexts(SB), R17
	MOVD (R17)(R16<<3), R26
	MOVD (R26), R17
	JMP (R17)

TEXT ·firstStub(SB), NOSPLIT, $0-8
	MOVD $·stubs(SB), R0
	MOVD R0, ret+0(FP)
	RET
