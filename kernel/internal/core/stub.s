// This file lets run.go declare a function without a body.
