"""Everything that can go wrong for a visitor: one kind each, with its HTTP status and its words in each language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from .texts import in_french

TYPE_PREFIX = "urn:ensemble:problem:"
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = {"Retry-After": "10"}


@dataclass(frozen=True, slots=True)
class Kind:
    status: int
    title: str
    detail: str
    title_fr: str
    detail_fr: str


KINDS = {
    "no-server": Kind(
        503,
        "No meeting server is free",
        "Every meeting server is starting, leaving or in trouble. Please try again in a minute.",
        "Aucun serveur de réunion n’est disponible",
        "Tous les serveurs démarrent, s’arrêtent ou sont en difficulté. Réessayez dans une minute.",
    ),
    "full": Kind(
        503,
        "All meeting servers are full",
        "Meetings that run go on. There is no room for a new one right now: please try again in a minute.",
        "Tous les serveurs de réunion sont pleins",
        "Les réunions en cours continuent. Il n’y a pas de place pour une nouvelle : réessayez dans une minute.",
    ),
    "fleet-unknown": Kind(
        503,
        "We cannot see the meeting servers",
        "The portal has had no news of the meeting servers for too long and will not send you to one by guess.",
        "Les serveurs de réunion sont hors de vue",
        "Le portail est sans nouvelles des serveurs depuis trop longtemps et ne vous enverra pas au hasard.",
    ),
    "store-unavailable": Kind(
        503,
        "Named rooms are not available",
        "The register of room names does not answer. A new room without a name works.",
        "Les salles nommées sont indisponibles",
        "Le registre des noms de salles ne répond pas. Une nouvelle salle sans nom fonctionne.",
    ),
    "register-full": Kind(
        503,
        "No more rooms can be noted",
        "The register of rooms is full. A new room without a name works, and so does every room that is open.",
        "Aucune autre salle ne peut être notée",
        "Le registre des salles est plein. Une nouvelle salle sans nom fonctionne, ainsi que toute salle ouverte.",
    ),
    "too-many-rooms": Kind(
        429,
        "Too many new rooms",
        "Your network address has asked for too many rooms. Please wait {wait} s.",
        "Trop de nouvelles salles",
        "Votre adresse réseau a demandé trop de salles. Patientez {wait} s.",
    ),
    "too-many-joins": Kind(
        429,
        "Too many visits at once",
        "Your network address enters too many rooms at once. Please wait {wait} s.",
        "Trop de visites à la fois",
        "Votre adresse réseau entre dans trop de salles à la fois. Patientez {wait} s.",
    ),
    "too-many-lookups": Kind(
        429,
        "Too many names asked for",
        "Your network address has asked for too many rooms that are not open. Please wait {wait} s.",
        "Trop de noms demandés",
        "Votre adresse réseau a demandé trop de salles qui ne sont pas ouvertes. Patientez {wait} s.",
    ),
    "too-many-streams": Kind(
        429,
        "Too many live views",
        "Your network address has too many live views open. The list of servers still answers.",
        "Trop de vues en direct",
        "Votre adresse réseau a trop de vues en direct ouvertes. La liste des serveurs répond toujours.",
    ),
    "too-many-listeners": Kind(
        503,
        "Too many live views",
        "This portal serves as many live views as it can. The list of servers still answers.",
        "Trop de vues en direct",
        "Ce portail sert autant de vues en direct qu’il peut. La liste des serveurs répond toujours.",
    ),
    "room-unreachable": Kind(
        503,
        "This room cannot be entered now",
        "Its server does not answer. People may still be inside. If this lasts {minutes} min, one click opens the room"
        " on another server.",
        "On ne peut pas entrer dans cette salle pour l’instant",
        "Son serveur ne répond pas. Des personnes y sont peut-être encore. Si cela dure {minutes} min, un clic ouvrira"
        " la salle sur un autre serveur.",
    ),
    "link-foreign": Kind(
        422,
        "This link leads elsewhere",
        "{host} is not one of our servers. To go there, open the link in your browser.",
        "Ce lien mène ailleurs",
        "{host} n’est pas un de nos serveurs. Pour y aller, ouvrez le lien dans votre navigateur.",
    ),
    "link-without-room": Kind(
        422,
        "This link names no room",
        "The link leads to {host}, but not to a room there. Type the room’s name, or paste its whole link.",
        "Ce lien ne nomme aucune salle",
        "Le lien mène à {host}, mais pas à une salle. Tapez le nom de la salle, ou collez son lien entier.",
    ),
    "name-empty": Kind(
        422,
        "This name cannot be used",
        "The name needs at least one letter or digit that Jitsi keeps.",
        "Ce nom ne convient pas",
        "Le nom doit contenir au moins une lettre ou un chiffre que Jitsi conserve.",
    ),
    "name-too-long": Kind(
        422,
        "This name is too long",
        "A room's name has at most {limit} characters.",
        "Ce nom est trop long",
        "Le nom d’une salle compte au plus {limit} caractères.",
    ),
    "name-mixed": Kind(
        422,
        "This name is misleading",
        "A word of the name mixes alphabets whose letters look alike. Please write it in one.",
        "Ce nom prête à confusion",
        "Un mot du nom mélange des alphabets dont les lettres se ressemblent. Écrivez-le dans un seul.",
    ),
    "name-reserved": Kind(
        422,
        "This name is reserved",
        "The meeting servers use “{name}” for themselves. Please choose another name.",
        "Ce nom est réservé",
        "Les serveurs de réunion utilisent « {name} » pour eux-mêmes. Choisissez un autre nom.",
    ),
    "bad-request": Kind(
        400,
        "The request cannot be read",
        "{reason}",
        "La demande est illisible",
        "{reason}",
    ),
    "too-large": Kind(
        413,
        "The request is too large",
        "A request has at most {limit} bytes.",
        "La demande est trop grande",
        "Une demande compte au plus {limit} octets.",
    ),
    "head-too-large": Kind(
        431,
        "The request is too large",
        "A request has at most {fields} header fields and {size} bytes of them.",
        "La demande est trop grande",
        "Une demande compte au plus {fields} champs d’en-tête et {size} octets d’en-tête.",
    ),
    "too-slow": Kind(
        408,
        "The request is too slow",
        "A request must arrive within {seconds} s.",
        "La demande est trop lente",
        "Une demande doit arriver en {seconds} s.",
    ),
    "wrong-media-type": Kind(
        415,
        "JSON is expected",
        "Send the body as application/json.",
        "JSON est attendu",
        "Envoyez le corps en application/json.",
    ),
    "not-found": Kind(
        404,
        "There is nothing here",
        "This address leads nowhere.",
        "Il n’y a rien ici",
        "Cette adresse ne mène nulle part.",
    ),
    "room-unknown": Kind(
        404,
        "Nobody is in this room",
        "No meeting of this name is open.",
        "Personne dans cette salle",
        "Aucune réunion de ce nom n’est ouverte.",
    ),
    "method-not-allowed": Kind(
        405,
        "This cannot be done here",
        "The address does not take this method.",
        "Action impossible ici",
        "Cette adresse n’accepte pas cette méthode.",
    ),
    "internal": Kind(
        500,
        "Something broke",
        "This is our fault, not yours. It has been noted.",
        "Quelque chose s’est cassé",
        "C’est notre faute, pas la vôtre. L’incident a été noté.",
    ),
}


class Problem(Exception):
    """A refusal that is told to the visitor. `headers` go out with it; `values` fill its words."""

    def __init__(self, kind: str, headers: dict[str, str] | None = None, **values: Any) -> None:
        super().__init__(kind)
        self.kind = kind
        self.headers = headers or {}
        self.values = values

    @property
    def status(self) -> int:
        return KINDS[self.kind].status

    def title(self, language: str = "en") -> str:
        kind = KINDS[self.kind]
        return in_french(kind.title_fr) if language == "fr" else kind.title

    def detail(self, language: str = "en") -> str:
        kind = KINDS[self.kind]
        return (in_french(kind.detail_fr) if language == "fr" else kind.detail).format(**self.values)

    def body(self, language: str = "en") -> bytes:
        """The problem+json document (RFC 9457)."""
        return orjson.dumps(
            {
                "type": TYPE_PREFIX + self.kind,
                "title": self.title(language),
                "status": self.status,
                "detail": self.detail(language),
            }
        )
