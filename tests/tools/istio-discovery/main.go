// Istio's own code, as a control plane and an agent for tests: nothing here decides what Envoy gets.
//
//	istio-discovery serve DIRECTORY        the control plane and the agent's parts around Envoy
//	istio-discovery validate -f FILE …     `istioctl validate`
//	istio-discovery analyze FILE …         `istioctl analyze` (--use-kube=false)
//	istio-discovery chart VALUES           Istio's Helm chart `gateway`, rendered with these values
//
// `serve` reads from its directory mesh.yaml (MeshConfig), resources.yaml (everything that would be in the cluster) and
// pod.json (the gateway's pod). It writes bootstrap.json, Envoy's bootstrap, and then address, where it serves ADS. On
// SIGHUP it reads resources.yaml again.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/anypb"

	"istio.io/istio/istioctl/pkg/analyze"
	"istio.io/istio/istioctl/pkg/cli"
	"istio.io/istio/istioctl/pkg/validate"
	"istio.io/istio/operator/pkg/helm"
	"istio.io/istio/operator/pkg/values"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	v3 "istio.io/istio/pilot/pkg/xds/v3"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/bootstrap"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/constants"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/validation/agent"
	"istio.io/istio/pkg/security"
	"istio.io/istio/pkg/test"
	"istio.io/istio/pkg/util/sets"
	"istio.io/istio/pkg/wasm"
	"istio.io/istio/security/pkg/nodeagent/cache"
	"istio.io/istio/security/pkg/nodeagent/sds"

	meshconfig "istio.io/api/mesh/v1alpha1"
)

// pod is what the agent in the gateway's pod knows of itself.
type pod struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// fetching converts what the control plane says about modules as the agent does: it fetches them, checks their digest,
// and names the file instead.
type fetching struct {
	model.XdsResourceGenerator
	cache wasm.Cache
}

func (f fetching) Generate(proxy *model.Proxy, w *model.WatchedResource, req *model.PushRequest) (model.Resources, model.XdsLogDetails, error) {
	resources, details, err := f.XdsResourceGenerator.Generate(proxy, w, req)
	configs := make([]*anypb.Any, len(resources))
	for i, each := range resources {
		configs[i] = each.Resource
	}
	if failed := wasm.MaybeConvertWasmExtensionConfig(configs, f.cache); failed != nil {
		fmt.Fprintln(os.Stderr, failed)
	}
	converted := make(model.Resources, len(resources))
	for i, each := range resources {
		converted[i] = &discovery.Resource{Name: each.Name, Resource: configs[i]}
	}
	return converted, details, err
}

func serve(t test.Failer, directory string) error {
	meshFile, err := os.ReadFile(filepath.Join(directory, "mesh.yaml"))
	if err != nil {
		return err
	}
	meshConfig, err := mesh.ApplyMeshConfigDefaults(string(meshFile))
	if err != nil {
		return fmt.Errorf("mesh.yaml: %w", err)
	}
	if warning, err := agent.ValidateMeshConfig(meshConfig); err != nil || warning != nil {
		return fmt.Errorf("mesh.yaml: %v %v", err, warning)
	}
	resources, err := os.ReadFile(filepath.Join(directory, "resources.yaml"))
	if err != nil {
		return err
	}
	if err := writeBootstrap(directory, meshConfig); err != nil {
		return err
	}
	if err := serveSecrets(); err != nil {
		return err
	}

	server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
		ConfigString:    string(resources),
		MeshConfig:      meshConfig,
		ListenerBuilder: func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") },
	})
	moduleDirectory := filepath.Join(directory, "modules")
	if err := os.Mkdir(moduleDirectory, 0o755); err != nil {
		return err
	}
	modules := wasm.NewLocalFileCache(moduleDirectory, wasm.Options{
		PurgeInterval:         wasm.DefaultPurgeInterval,
		ModuleExpiry:          wasm.DefaultModuleExpiry,
		InsecureRegistries:    sets.New[string](),
		HTTPRequestTimeout:    wasm.DefaultHTTPRequestTimeout,
		HTTPRequestMaxRetries: wasm.DefaultHTTPRequestMaxRetries,
	})
	generators := server.Discovery.Generators
	generators[v3.ExtensionConfigurationType] = fetching{generators[v3.ExtensionConfigurationType], modules}

	changes := make(chan os.Signal, 1)
	signal.Notify(changes, syscall.SIGHUP)
	held := cluster{path: filepath.Join(directory, "resources.yaml"), store: server.Store()}
	if err := held.apply(); err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(directory, "address"), []byte(server.Listener.Addr().String())); err != nil {
		return err
	}
	for range changes {
		if err := held.apply(); err != nil {
			return err
		}
	}
	return nil
}

// writeBootstrap writes what the agent would start Envoy with.
func writeBootstrap(directory string, meshConfig *meshconfig.MeshConfig) error {
	text, err := os.ReadFile(filepath.Join(directory, "pod.json"))
	if err != nil {
		return err
	}
	var self pod
	if err := json.Unmarshal(text, &self); err != nil {
		return fmt.Errorf("pod.json: %w", err)
	}
	withAnnotation, err := mesh.ApplyProxyConfig(self.Annotations["proxy.istio.io/config"], meshConfig)
	if err != nil {
		return fmt.Errorf("the annotation proxy.istio.io/config: %w", err)
	}
	if warning, err := agent.ValidateMeshConfigProxyConfig(withAnnotation.DefaultConfig).Unwrap(); err != nil || warning != nil {
		return fmt.Errorf("the annotation proxy.istio.io/config: %v %v", err, warning)
	}
	node, err := bootstrap.GetNodeMetaData(bootstrap.MetadataOptions{
		ID:          fmt.Sprintf("router~127.0.0.1~%s.%s~%s.svc.cluster.local", self.Name, self.Namespace, self.Namespace),
		InstanceIPs: []string{"127.0.0.1"},
		ProxyConfig: withAnnotation.DefaultConfig,
		Envs: []string{
			"ISTIO_META_NAMESPACE=" + self.Namespace,
			"ISTIO_META_CLUSTER_ID=" + constants.DefaultClusterName,
		},
		WorkloadIdentitySocketFile: security.DefaultWorkloadIdentitySocketFile,
	})
	if err != nil {
		return err
	}
	// In a pod these come from files.
	node.Metadata.Labels, node.Metadata.StaticLabels, node.Metadata.Annotations = self.Labels, self.Labels, self.Annotations
	template, err := besideProgram("envoy_bootstrap.json")
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(directory, "bootstrap.json"))
	if err != nil {
		return err
	}
	defer file.Close()
	return bootstrap.New(bootstrap.Config{Node: node}).WriteTo(template, file)
}

// besideProgram is a file of Istio's that was installed with this program (`keep`).
func besideProgram(name string) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	if program, err = filepath.EvalSymlinks(program); err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(program), name), nil
}

// serveSecrets serves certificate authorities from files, as the agent does, on the agent's socket below the working
// directory.
func serveSecrets() error {
	options := &security.Options{ServeOnlyFiles: true, CARootPath: os.Getenv("CA_ROOT")}
	secrets, err := cache.NewSecretManagerClient(nil, options)
	if err != nil {
		return err
	}
	secrets.RegisterSecretHandler(sds.NewServer(options, secrets, nil).OnSecretUpdate)
	return nil
}

// cluster is what has been applied, as in a Kubernetes.
type cluster struct {
	path    string
	store   model.ConfigStoreController
	applied map[string]config.Config
}

// apply makes the store hold what the file says, and of what was applied before only that.
func (c *cluster) apply() error {
	text, err := os.ReadFile(c.path)
	if err != nil {
		return err
	}
	wanted, _, err := crd.ParseInputs(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", c.path, err)
	}
	before := c.applied
	c.applied = map[string]config.Config{}
	for _, each := range wanted {
		c.applied[each.Key()] = each
		old := c.store.Get(each.GroupVersionKind, each.Name, each.Namespace)
		switch {
		case old == nil:
			_, err = c.store.Create(each)
		default:
			each.CreationTimestamp, each.ResourceVersion = old.CreationTimestamp, old.ResourceVersion
			if !each.Equals(old) {
				_, err = c.store.Update(each)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", each.Key(), err)
		}
	}
	for key, each := range before {
		if _, kept := c.applied[key]; !kept {
			if err := c.store.Delete(each.GroupVersionKind, each.Name, each.Namespace, nil); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	return nil
}

// replaceFile writes a file so that a reader sees all of it or nothing.
func replaceFile(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func chart(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	given, err := values.MapFromYaml(text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	manifests, warnings, err := helm.Render("istio-ingressgateway", "istio-ingress", "gateway", values.Map{"spec": map[string]any{"values": map[string]any(given)}}, nil)
	if err != nil || len(warnings) > 0 {
		return fmt.Errorf("%s: %v %v", file, err, warnings)
	}
	for _, each := range manifests {
		fmt.Printf("---\n%s\n", each.Content)
	}
	return nil
}

func main() {
	root := &cobra.Command{Use: "istio-discovery", SilenceUsage: true}
	istioctl := cli.NewCLIContext(cli.AddRootFlags(root.PersistentFlags()))
	root.AddCommand(
		validate.NewValidateCommand(istioctl),
		analyze.Analyze(istioctl),
		&cobra.Command{Use: "chart VALUES", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error { return chart(args[0]) }},
		&cobra.Command{Use: "serve DIRECTORY", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
			var failed error
			if err := test.Wrap(func(t test.Failer) { failed = serve(t, args[0]) }); err != nil {
				return err
			}
			return failed
		}},
	)
	if root.Execute() != nil {
		os.Exit(1)
	}
}
