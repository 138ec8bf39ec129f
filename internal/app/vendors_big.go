//go:build !solo

package app

import (
	"fmt"
	"os"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/integrations/aws"
	"github.com/tocsin-ir/tocsin/integrations/kubernetes"
	"github.com/tocsin-ir/tocsin/integrations/nftables"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
)

// bigVendors are those whose SDKs take long to compile.
func bigVendors() []vendor {
	return []vendor{
		{"aws", func(c config.Config) bool { return c.AWS.Region != "" }, openAWS},
		{"kubernetes", func(c config.Config) bool { return c.Kubernetes.On || c.Kubernetes.Server != "" }, openKubernetes},
		{"nftables", func(c config.Config) bool { return c.NFTables.On }, openNFTables},
	}
}

func openAWS(a *App, c config.Config) ([]actions.Action, error) {
	return aws.Actions(aws.Config{Region: c.AWS.Region, Regions: c.AWS.Regions, KeyID: c.AWS.KeyID, SecretKey: actions.Secret(c.AWS.SecretKey.Reveal()),
		Role: c.AWS.Role, ExternalID: actions.Secret(c.AWS.ExternalID.Reveal()), Endpoints: c.AWS.Endpoints, BreakGlass: c.AWS.BreakGlass,
		Quarantine: c.AWS.Quarantine, IPSet: c.AWS.IPSet, Pace: a.pace("aws"), HTTP: a.metrics.client("aws", vendorPatience)})
}

// demoAWS is how Tocsin reaches the sandbox's AWS.
func demoAWS(w *sandbox.World) config.AWS {
	return config.AWS{Region: sandbox.AWSRegion, KeyID: w.AWSKeyID, SecretKey: config.NewSecret(w.AWSSecret), Endpoints: map[string]string{"": w.AWSURL}, IPSet: "tocsin-blocked"}
}

func openKubernetes(a *App, c config.Config) ([]actions.Action, error) {
	k := c.Kubernetes
	var ca []byte
	if k.CAFile != "" {
		var err error
		if ca, err = os.ReadFile(k.CAFile); err != nil {
			return nil, fmt.Errorf("read the certificate of the cluster's authority: %w", err)
		}
	}
	return kubernetes.Actions(kubernetes.Config{Server: k.Server, Token: actions.Secret(k.Token.Reveal()), TokenFile: k.TokenFile, CA: ca, Cluster: k.Cluster, Protected: k.Protected, Pace: a.pace("kubernetes")})
}

func openNFTables(_ *App, c config.Config) ([]actions.Action, error) {
	never, err := ranges(c.NFTables.Never)
	if err != nil {
		return nil, err
	}
	return nftables.Actions(nftables.Config{Never: never})
}
