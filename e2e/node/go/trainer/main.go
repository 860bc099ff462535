// Command trainer is a training program for an image that holds nothing else: no shell, no Python.
//
// Called as "trainer train" it reads its hyperparameters, if there are any, and writes a model that holds them.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	hyperparameters = "/opt/ml/input/config/hyperparameters.json"
	model           = "/opt/ml/model/model.json"
)

func main() {
	if len(os.Args) != 2 || os.Args[1] != "train" {
		fmt.Fprintf(os.Stderr, "usage: trainer train; called with %q\n", os.Args[1:])
		os.Exit(2)
	}
	if err := train(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func train() error {
	content, err := os.ReadFile(hyperparameters)
	if errors.Is(err, fs.ErrNotExist) {
		content = []byte("{}")
	} else if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(model), 0o755); err != nil {
		return err
	}
	fmt.Printf("training with %s\n", content)
	return os.WriteFile(model, content, 0o644)
}
