//go:build !linux

package kernelspec

import "errors"

func exchange(string, string) error { return errors.ErrUnsupported }
