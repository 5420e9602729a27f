package lab

import "time"

var epoch = time.Now()

// now is a monotonic time in ns.
func now() int64 { return int64(time.Since(epoch)) }
