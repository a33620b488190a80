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
      - Taken from the environment variable E(SCW_ACCESS_KEY) or the Scaleway config file where not given.
    type: str
  secret_key:
    description:
      - Secret key of the API key, a UUID. It is never shown.
      - Taken from E(SCW_SECRET_KEY) or the Scaleway config file where not given.
    type: str
  project_id:
    description:
      - Project to work in. Objects of other projects are neither found nor changed by name.
      - Taken from E(SCW_DEFAULT_PROJECT_ID) or the Scaleway config file where not given; the default project has the
        organization's id.
    type: str
  organization_id:
    description:
      - Organization of the account; its default project is used where there is no O(project_id).
      - Taken from E(SCW_DEFAULT_ORGANIZATION_ID) or the Scaleway config file where not given.
    type: str
  zone:
    description:
      - Availability zone of zoned objects (instances, load balancers).
      - Taken from E(SCW_DEFAULT_ZONE) or the Scaleway config file where not given; V(fr-par-1) if those are silent,
        too.
    type: str
  region:
    description:
      - Region of regional objects (registry, private networks, secrets); the zone's region where not given.
      - Taken from E(SCW_DEFAULT_REGION) or the Scaleway config file where not given.
    type: str
  api_url:
    description:
      - Address of the API, for a local Scaleway or a gateway of your own.
      - Taken from E(SCW_API_URL) or the Scaleway config file where not given; V(https://api.scaleway.com) if those
        are silent, too.
    type: str
  profile:
    description:
      - Profile of the Scaleway config file to use, the one that the file calls active where not given. Other arguments
        win over it. So do environment variables, unless this or O(config_file) is an argument.
      - All values come from one account. What names another key than the one that is used is ignored as a whole; with
        C(-vvv) the result tells where each value came from.
      - Taken from E(SCW_PROFILE) where not given.
    type: str
  config_file:
    description:
      - Path of the Scaleway config file, C(~/.config/scw/config.yaml) where not given.
      - Taken from E(SCW_CONFIG_PATH) where not given.
    type: path
  api_timeout:
    description: Seconds to wait for one answer of the API.
    type: float
    default: 60.0
  api_retry_time:
    description:
      - Seconds during which one request is repeated, with growing pauses, while the API is busy (429), out of order
        (5xx) or unreachable.
      - Nothing is created twice by that. An API that never answered at all is given up after a few seconds.
    type: float
    default: 60.0
  api_proxy:
    description: Proxy for the API; otherwise the environment variables E(HTTPS_PROXY) and E(NO_PROXY) count.
    type: str
  api_ca_path:
    description: File with CA certificates that the API's certificate is checked against, instead of the usual ones.
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
      - Whose objects this task may touch, for instance V(ensemble:production); best set once for all tasks, in
        C(module_defaults).
      - Ownership is a mark on the object itself. By name only objects that carry this tag are adopted, changed or
        removed, and objects that are created get it.
      - A desired name that is held by an object without the tag is an error; C(state=absent) leaves that object alone.
        What is only referred to may be anybody's.
      - Parts of a load balancer are their balancer's, those of a database instance their instance's, API keys are
        their application's. DNS records carry the tag in their comment, perhaps among other words; several words must
        all be there. SSH keys and registry namespaces have no tags and are not affected.
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
  - The API is asked from the host that the task runs on, usually C(localhost). The requirements are needed there.
"""

    INFO = r"""
options:
  owner_tag:
    description: Accepted so that C(module_defaults) can set it for all modules; looking needs no ownership.
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
  - The API is asked from the host that the task runs on, usually C(localhost). The requirements are needed there.
"""

    OBJECT = r"""
options:
  id:
    description:
      - Id of the object. With O(name) as well, the object is renamed.
      - One of O(id) and O(name) is needed.
    type: str
  name:
    description:
      - Name of the object. It is found by its exact name in the project; two of one name are an error.
    type: str
  wait:
    description: Wait until what was begun has come to its end. Without it, later tasks may meet a half-made object.
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
      - What to do when something is to be changed that cannot change in place.
      - With V(false) the task fails and says what. With V(true) the object is deleted and created anew, under another
        id.
    type: bool
    default: false
"""
