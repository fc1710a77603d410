const METHODS = ['get', 'post', 'put', 'delete', 'patch'] as const;

const matches = (template: string, path: string): boolean => {
  const wanted = template.split('/');
  const given = path.replace(/(?<=.)\/$/, '').split('/');
  return (
    wanted.length === given.length &&
    wanted.every((part, index) => part.startsWith('{') || part === given[index]?.toLowerCase())
  );
};

/**
 * The methods that a path takes, by the interface's own description.
 * @param paths templates such as `/api/v1/hci-sites/{siteId}`, each with its operations by method
 */
export const allowedMethods = (paths: Readonly<Record<string, object>>, path: string): readonly string[] => {
  const found = new Set<string>();
  for (const [template, operations] of Object.entries(paths)) {
    if (!matches(template, path)) continue;
    for (const method of METHODS.filter((name) => name in operations)) found.add(method.toUpperCase());
  }
  if (found.has('GET')) found.add('HEAD');
  return [...found].sort();
};
