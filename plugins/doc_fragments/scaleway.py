# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of several modules has in common."""

from __future__ import annotations


class ModuleDocFragment:
    """The account and how to reach its API; in other fragments: attributes, states, waiting, replacing."""

    DOCUMENTATION = r"""
options:
  access_key:
    description:
      - Access key of the API key. The API itself needs only O(secret_key).
      - Defaults to the environment variable E(SCW_ACCESS_KEY) or the Scaleway config file.
    type: str
  secret_key:
    description:
      - Secret key of the API key, a UUID. It is never shown.
      - Defaults to E(SCW_SECRET_KEY) or the Scaleway config file.
    type: str
  project_id:
    description:
      - Project to work in. Objects of other projects are neither found nor changed by name.
      - Defaults to E(SCW_DEFAULT_PROJECT_ID) or the Scaleway config file; the default project has the
        organization's id.
    type: str
  organization_id:
    description:
      - Organization of the account; its default project is used if O(project_id) is not set.
      - Defaults to E(SCW_DEFAULT_ORGANIZATION_ID) or the Scaleway config file.
    type: str
  zone:
    description:
      - Availability zone of zoned objects (instances, load balancers).
      - Defaults to E(SCW_DEFAULT_ZONE) or the Scaleway config file, then V(fr-par-1).
    type: str
  region:
    description:
      - Region of regional objects (registry, private networks, secrets); defaults to the zone's region.
      - Defaults to E(SCW_DEFAULT_REGION) or the Scaleway config file.
    type: str
  api_url:
    description:
      - Address of the API, for a local Scaleway or a gateway of your own.
      - Defaults to E(SCW_API_URL) or the Scaleway config file, then V(https://api.scaleway.com).
    type: str
  profile:
    description:
      - Profile of the Scaleway config file to use; defaults to the file's active profile. Other arguments override it.
        Environment variables do, too, unless this option or O(config_file) is set.
      - All values come from one account. A source with another key than the one in use is ignored as a whole; with
        C(-vvv) the result shows where each value came from.
      - Defaults to E(SCW_PROFILE).
    type: str
  config_file:
    description:
      - Path of the Scaleway config file, defaults to C(~/.config/scw/config.yaml).
      - Defaults to E(SCW_CONFIG_PATH).
    type: path
  api_timeout:
    description: Seconds to wait for one answer of the API.
    type: float
    default: 60.0
  api_retry_time:
    description:
      - Seconds during which a request is retried, with increasing pauses, while the API is busy (429), failing (5xx)
        or unreachable.
      - Retries never create anything twice. If the API never answered at all, the task gives up after a few seconds.
    type: float
    default: 60.0
  api_proxy:
    description: Proxy for the API; defaults to the environment variables E(HTTPS_PROXY) and E(NO_PROXY).
    type: str
  api_ca_path:
    description: File with CA certificates that verify the API, instead of the system's.
    type: path
requirements:
  - python >= 3.11
  - requests >= 2.28
  - PyYAML (only to read a Scaleway config file)
"""

    ATTRIBUTES = r"""
options:
  owner_tag:
    description:
      - Tag of the objects that this task may change, for example V(ensemble:production). Set it once for all tasks in
        C(module_defaults).
      - The tag on an object determines its owner. When objects are selected by name, only those with this tag are
        adopted, changed or removed. New objects get the tag.
      - If an object without the tag has the desired name, the task fails; C(state=absent) leaves that object alone.
        Objects that a task only refers to may have any owner.
      - Parts of a load balancer have the owner of their balancer, parts of a database instance that of their instance,
        and API keys that of their application. DNS records have the tag in their comment, possibly among other words;
        if the tag consists of several words, all are required. SSH keys and registry namespaces have no tags and are
        not affected.
    type: str
attributes:
  check_mode:
    description: Can run in check mode and return what would be done, without changing anything.
    support: full
  diff_mode:
    description: Returns details on what has changed, or in check mode would change.
    support: full
  action_group:
    description: >-
      Use C(group/ensemble.jitsi.scaleway) in C(module_defaults) to set options for all modules of this collection.
    support: full
    membership:
      - ensemble.jitsi.scaleway
notes:
  - The host that runs the task, usually C(localhost), sends the API requests and needs the requirements.
"""

    INFO = r"""
options:
  owner_tag:
    description: Accepted so that C(module_defaults) can set it for all modules; reading needs no ownership.
    type: str
attributes:
  check_mode:
    description: Does not change anything.
    support: full
  diff_mode:
    description: Returns details on what has changed, or in check mode would change.
    support: N/A
    details: This module only looks.
  action_group:
    description: >-
      Use C(group/ensemble.jitsi.scaleway) in C(module_defaults) to set options for all modules of this collection.
    support: full
    membership:
      - ensemble.jitsi.scaleway
notes:
  - The host that runs the task, usually C(localhost), sends the API requests and needs the requirements.
"""

    OBJECT = r"""
options:
  id:
    description:
      - Id of the object. With O(name) as well, the object is renamed.
      - O(id) or O(name) is required.
    type: str
  name:
    description:
      - Name of the object. It is found by its exact name in the project; two objects with the same name are an error.
    type: str
  wait:
    description: Wait until the change is complete. Otherwise later tasks may find an incomplete object.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait for each final state.
    type: int
    default: 600
"""

    PRESENCE = r"""
options:
  state:
    description: Whether the object exists.
    type: str
    choices: [present, absent]
    default: present
"""

    RECREATE = r"""
options:
  recreate:
    description:
      - What to do if a change is not possible in place.
      - With V(false) the task fails and names the fields. With V(true) the object is deleted and re-created with
        another id.
    type: bool
    default: false
"""
