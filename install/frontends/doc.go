// Package frontends has only tests: they drive the kernel through the programs
// that people use, JupyterLab in a browser, jupyter console, nbconvert,
// nbclient, papermill and nbval.
package frontends
