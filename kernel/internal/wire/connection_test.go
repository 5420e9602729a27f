package wire_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spindle/kernel/internal/wire"
)

const goodFile = `{
  "shell_port": 36721, "iopub_port": 44123, "stdin_port": 45821, "control_port": 39701, "hb_port": 41837,
  "ip": "127.0.0.1", "key": "s3cr3t", "transport": "tcp", "signature_scheme": "hmac-sha256", "kernel_name": "spindle"
}`

func TestParseConnection(t *testing.T) {
	c, err := wire.ParseConnection([]byte(goodFile))
	if err != nil {
		t.Fatal(err)
	}
	if c.Endpoint(c.ShellPort) != "tcp://127.0.0.1:36721" || c.Key != "s3cr3t" {
		t.Errorf("%v", c)
	}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %s", c, c, c)} {
		if strings.Contains(text, "s3cr3t") {
			t.Errorf("the key is in %q", text)
		}
	}
	c.IP = "::1"
	if got := c.Endpoint(7); got != "tcp://[::1]:7" {
		t.Error(got)
	}
	c.Transport, c.IP = "ipc", "/run/k"
	if got := c.Endpoint(7); got != "ipc:///run/k-7" {
		t.Error(got)
	}
}

func TestParseConnectionRefuses(t *testing.T) {
	edit := func(old, new string) string {
		s := strings.Replace(goodFile, old, new, 1)
		if s == goodFile {
			t.Fatalf("%q is not in the file", old)
		}
		return s
	}
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "empty"},
		{"blank", " \n", "empty"},
		{"truncated", goodFile[:100], "truncated: it ends after 100 bytes"},
		{"truncated in a word", goodFile[:len(goodFile)-3], "truncated"},
		{"no JSON", "shell_port = 5", "no JSON"},
		{"array", "[]", "not a connection file: a JSON array"},
		{"port as text", edit("36721", `"36721"`), `"shell_port" is a JSON string`},
		{"port missing", edit(`"hb_port": 41837`, `"x": 1`), `"hb_port" is missing`},
		{"port too high", edit("36721", "70000"), `"shell_port" is 70000, which is no port`},
		{"port negative", edit("36721", "-1"), `"shell_port" is -1`},
		{"port twice", edit("36721", "44123"), `"shell_port" and "iopub_port" are both 44123`},
		{"no address", edit(`"ip": "127.0.0.1",`, ""), `"ip" is missing`},
		{"transport", edit(`"tcp"`, `"carrier pigeon"`), `transport "carrier pigeon" is not known`},
		{"scheme", edit("hmac-sha256", "hmac-md5"), `signature scheme "hmac-md5" is not known`},
		{"handshake", `{"transport":"tcp","ip":"127.0.0.1","key":"s3cr3t","signature_scheme":"hmac-sha256","registration_port":5}`, "of another version: it asks for the handshake"},
		{"version", edit(`"kernel_name"`, `"kernel_protocol_version": "6.1", "kernel_name"`), "of another version: protocol 6.1"},
		{"huge", strings.Repeat(" ", 100_000), "larger than"},
	} {
		_, err := wire.ParseConnection([]byte(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: the error has the key: %v", c.name, err)
		}
	}
	if _, err := wire.ParseConnection([]byte(edit(`"kernel_name"`, `"kernel_protocol_version": "5.3", "kernel_name"`))); err != nil {
		t.Errorf("an older 5.x: %v", err)
	}
}

func TestConnectionFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.json")
	if _, err := wire.ReadConnection(path); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("missing: %v", err)
	}
	want := tcp
	want.Key = wire.NewKey()
	if err := wire.WriteConnection(path, want); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got, err := wire.ReadConnection(path); err != nil || got != want {
		t.Errorf("%v %v", got, err)
	}
	if err := wire.WriteConnection(path, want); err == nil {
		t.Error("an existing file was overwritten")
	}
	if len(want.Key) != 64 || want.Key == wire.NewKey() {
		t.Errorf("key of %d characters", len(want.Key))
	}
}

func FuzzParseConnection(f *testing.F) {
	f.Add([]byte(goodFile))
	f.Add([]byte(goodFile[:50]))
	f.Add([]byte(`{"transport":"ipc","ip":"/tmp/k","shell_port":1,"iopub_port":2,"stdin_port":3,"control_port":4,"hb_port":5}`))
	f.Add([]byte(`{"registration_port":1,"kernel_protocol_version":6}`))
	f.Add([]byte(`{"shell_port":1e400}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := wire.ParseConnection(b)
		if err != nil {
			return
		}
		if _, err := wire.NewCodec(c); err != nil {
			t.Errorf("a file that was taken makes no codec: %v", err)
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := wire.ParseConnection(again); err != nil || back != c {
			t.Errorf("%v, %v: back from %s", back, err, again)
		}
	})
}
