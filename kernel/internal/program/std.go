package program

import "path"

// unambiguous are the packages of the standard library whose name tells their
// path. rand, template, scanner, parser and the like are not among them.
var unambiguous = func() map[string]string {
	m := map[string]string{}
	for _, p := range []string{
		"archive/tar", "archive/zip", "bufio", "bytes", "cmp", "compress/gzip", "compress/zlib",
		"container/heap", "container/list", "container/ring", "context",
		"crypto/aes", "crypto/ed25519", "crypto/hmac", "crypto/md5", "crypto/rsa", "crypto/sha1",
		"crypto/sha256", "crypto/sha512", "crypto/tls", "crypto/x509", "database/sql", "embed",
		"encoding/base64", "encoding/binary", "encoding/csv", "encoding/gob", "encoding/hex",
		"encoding/json", "encoding/xml", "errors", "expvar", "flag", "fmt", "go/ast", "go/format",
		"go/token", "go/types", "hash/crc32", "hash/fnv", "hash/maphash", "html", "image",
		"image/color", "image/draw", "image/gif", "image/jpeg", "image/png", "io", "io/fs", "iter",
		"log", "log/slog", "maps", "math", "math/big", "math/bits", "math/cmplx", "mime", "net",
		"net/http", "net/http/httptest", "net/mail", "net/netip", "net/url", "os", "os/exec",
		"os/signal", "os/user", "path", "path/filepath", "reflect", "regexp", "runtime",
		"runtime/debug", "runtime/metrics", "runtime/trace", "slices", "sort", "strconv", "strings",
		"sync", "sync/atomic", "syscall", "testing", "testing/fstest", "testing/iotest",
		"testing/quick", "testing/synctest", "text/tabwriter", "time", "unicode", "unicode/utf16",
		"unicode/utf8", "unique", "unsafe", "weak",
	} {
		m[path.Base(p)] = p
	}
	return m
}()
