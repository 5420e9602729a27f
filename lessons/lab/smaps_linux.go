package lab

import (
	"fmt"
	"os"
	"strings"
)

// smap is one mapping of a process with what of it is resident, in bytes.
type smap struct {
	start, end uint64
	path       string
	rss        float64
}

func (s smap) size() float64 { return float64(s.end - s.start) }

// smaps reads /proc/PID/smaps, of which procfs has the sum only.
func smaps(pid int) []smap {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		return nil
	}
	var out []smap
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if strings.HasSuffix(f[0], ":") {
			if f[0] == "Rss:" && len(out) > 0 && len(f) > 1 {
				var kb float64
				fmt.Sscan(f[1], &kb)
				out[len(out)-1].rss = kb * 1024
			}
			continue
		}
		var s smap
		if _, err := fmt.Sscanf(f[0], "%x-%x", &s.start, &s.end); err != nil {
			continue
		}
		if len(f) > 5 {
			s.path = strings.Join(f[5:], " ")
		}
		out = append(out, s)
	}
	return out
}
