// This file lets hook.go declare a function without a body.
