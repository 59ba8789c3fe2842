// Package paths is what is used of path/filepath where a start must cost nothing.
//
// Go initialises packages by name as soon as it can: who imports path/filepath waits for
// everything of github.com that is ready before that, and package path is ready at once.
package paths
