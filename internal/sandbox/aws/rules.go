package aws

// Rules are what is enforced, for the documentation.
func Rules() []string {
	return []string{
		"every request but a stranger's HEAD of a bucket is signed (Signature Version 4) by a key that is known, within five minutes; the signature is computed again",
		"a right that was taken from the caller is refused in the service's own words: UnauthorizedOperation, AccessDenied, AccessDeniedException",
		"IAM: GetUser, ListUsers, ListAccessKeys (a page for each key), GetAccessKeyLastUsed (AccessDenied for another account's), UpdateAccessKey, DeleteAccessKey, Get/Put/DeleteUserPolicy and RolePolicy (2,048 and 10,240 characters, LimitExceeded), GetRole, ListRoles, GetInstanceProfile, SimulatePrincipalPolicy; AWS's own roles cannot be changed",
		"STS: GetCallerIdentity, GetAccessKeyInfo, AssumeRole with an external id",
		"WAFv2: ListIPSets, GetIPSet, UpdateIPSet (the lock token, masked ranges of the set's version, no /0, no duplicates, at most 10,000), ListWebACLs, GetWebACL, ListResourcesForWebACL",
		"EC2: DescribeInstances, DescribeSecurityGroups, CreateSecurityGroup, RevokeSecurityGroupEgress, ModifyNetworkInterfaceAttribute (groups of the same VPC, one to five), CreateSnapshots, DescribeSnapshots, GetConsoleOutput, instance profiles",
		"Route 53 Resolver: domain lists (a managed one cannot be changed, one that is being changed conflicts), rule groups and their VPCs",
		"S3: HeadBucket, public-access blocks, policy status, website, tags; another region's bucket is a redirect, another account's is denied; GuardDuty: findings",
	}
}
