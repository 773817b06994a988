// Fetches a module from a registry with Istio's own code, as its agent does: `istio-fetch REFERENCE FILE`.
// Writes the module to the file and the manifest's digest to standard error; what Istio logs goes to standard output.
package main

import (
	"context"
	"fmt"
	"os"

	"istio.io/istio/pkg/wasm"
)

func run(reference, file string) (string, error) {
	fetch, digest, err := wasm.NewImageFetcher(context.Background(), wasm.ImageFetcherOption{}).PrepareFetch(reference)
	if err != nil {
		return "", err
	}
	module, err := fetch()
	if err != nil {
		return "", err
	}
	return digest, os.WriteFile(file, module, 0o644)
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: istio-fetch REFERENCE FILE")
		os.Exit(2)
	}
	digest, err := run(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, digest)
}
