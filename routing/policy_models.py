"""Policies as rows, in versions, and what a shadow would have decided."""

from __future__ import annotations

from typing import Any, Final, Self

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from routing.fields import PriceField
from routing.policies import BALANCED, BEST, THRIFTY, WEIGHTS, Policy

ON_THE_DIAL: Final = [MinValueValidator(THRIFTY), MaxValueValidator(BEST)]


class VersionIsFrozen(Exception):
    """Somebody tried to change or delete a version that has decided. Make the next one instead."""


class Standing(models.TextChoices):
    """What a version is doing. DRAFT → SHADOW or LIVE → RETIRED, and from there again."""

    DRAFT = "draft"
    SHADOW = "shadow"
    LIVE = "live"
    RETIRED = "retired"


AT_WORK = (Standing.LIVE, Standing.SHADOW)


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    def at_work(self) -> Self:
        return self.filter(standing__in=AT_WORK)

    def of_the_scope_of(self, version: PolicyVersion) -> Self:
        """Those for the same people."""
        return self.filter(group_id=version.group_id, for_everybody=version.for_everybody)


class PolicyVersion(models.Model):
    """One version of a policy. From its first day at work (`used_at`) its values never change.

    `for_everybody` is true where there is no group, and stays false when a group is deleted:
    so its policy is nobody's then, and not everybody's.
    """

    VALUES = (
        *("name", "number", "dial", "dial_least", "dial_most", "quality_floor_percent"),
        *("price_cap_usd", "allowed", "excluded", "allow_free", "fallbacks", "no_training"),
        *("zero_retention", "explores", "weights", "precedence", "for_everybody"),
    )

    name = models.SlugField(max_length=50)
    number = models.PositiveIntegerField("version", default=1, editable=False)
    group = models.ForeignKey(
        Group, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    for_everybody = models.BooleanField(default=True, editable=False)
    precedence = models.SmallIntegerField(default=0)
    note = models.CharField(max_length=200, blank=True, default="")

    dial = models.FloatField(default=BALANCED, validators=ON_THE_DIAL)
    dial_least = models.FloatField(default=THRIFTY, validators=ON_THE_DIAL)
    dial_most = models.FloatField(default=BEST, validators=ON_THE_DIAL)
    quality_floor_percent = models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(99)]
    )
    price_cap_usd = PriceField()
    allowed = models.JSONField(default=list, blank=True)
    excluded = models.JSONField(default=list, blank=True)
    allow_free = models.BooleanField(default=False)
    fallbacks = models.PositiveSmallIntegerField(default=2, validators=[MaxValueValidator(2)])
    no_training = models.BooleanField(default=False)
    zero_retention = models.BooleanField(default=False)
    explores = models.BooleanField(default=False)
    weights = models.JSONField(default=dict, blank=True)  # only where they differ from WEIGHTS

    standing = models.CharField(
        max_length=16, choices=Standing.choices, default=Standing.DRAFT, editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    used_at = models.DateTimeField(null=True, editable=False)
    standing_since = models.DateTimeField(default=timezone.now, editable=False)

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        ordering = ["name", "-number"]
        verbose_name = "policy"
        verbose_name_plural = "policies"
        permissions = [("promote_policyversion", "Can put a policy to work, or retire it")]
        constraints = [
            models.UniqueConstraint(fields=["name", "number"], name="one_row_per_version"),
            *(
                constraint
                for standing in AT_WORK
                for constraint in (
                    models.UniqueConstraint(
                        models.Value(1),
                        condition=Q(standing=standing, for_everybody=True),
                        name=f"one_{standing}_policy_for_everybody",
                    ),
                    models.UniqueConstraint(
                        fields=["group"],
                        condition=Q(standing=standing),
                        name=f"one_{standing}_policy_per_group",
                    ),
                )
            ),
            models.CheckConstraint(
                condition=Q(
                    dial_least__gte=THRIFTY,
                    dial__gte=F("dial_least"),
                    dial_most__gte=F("dial"),
                    dial_most__lte=BEST,
                ),
                name="the_dial_is_within_its_range",
                violation_error_message="The dial's default lies outside of its range.",
            ),
            models.CheckConstraint(
                condition=Q(for_everybody=False) | Q(group=None),
                name="a_groups_policy_is_not_everybodys",
            ),
        ]

    def __str__(self) -> str:
        return self.ref

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises VersionIsFrozen where values of a version that has been at work would change."""
        if self.pk:
            stored = PolicyVersion.objects.filter(pk=self.pk).first()
            if stored and stored.is_frozen and stored.values() != self.values():
                raise VersionIsFrozen(self.ref)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        if self.is_frozen:
            raise VersionIsFrozen(self.ref)
        return super().delete(*args, **kwargs)

    @property
    def ref(self) -> str:
        """How commands and pages name it."""
        return f"{self.name}@{self.number}"

    @property
    def is_frozen(self) -> bool:
        return self.used_at is not None

    @property
    def scope(self) -> str:
        """Whose messages it decides, in words."""
        if self.group:
            return f"group {self.group}"
        return "everybody" if self.for_everybody else "nobody: its group was deleted"

    def policy(self) -> Policy:
        """The value that decides. Raises ValueError or TypeError for a row that makes none."""
        return Policy(
            name=self.name,
            version=str(self.number),
            dial=self.dial,
            weights={**WEIGHTS, **{name: float(worth) for name, worth in self.weights.items()}},
            price_cap_usd=self.price_cap_usd,
            allow_free=self.allow_free,
            fallbacks=self.fallbacks,
            allowed=frozenset(self.allowed),
            excluded=frozenset(self.excluded),
            dial_least=self.dial_least,
            dial_most=self.dial_most,
            quality_floor=self.quality_floor_percent / 100,
            no_training=self.no_training,
            zero_retention=self.zero_retention,
            explores=self.explores,
        )

    def values(self) -> dict[str, Any]:
        """What may not change once the version has been at work."""
        return {name: getattr(self, name) for name in self.VALUES}


class ShadowDecision(models.Model):
    """What a shadow would have chosen for one message, beside what the live policy chose.

    No text and no key to the message: this neither hinders its deletion nor tells what it said.
    None is unknown: of a price, or of odds where the shadow found no model (`refused`: why).
    """

    version = models.ForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="decisions")
    message_ref = models.CharField("message", max_length=64)
    model = models.CharField(max_length=200, blank=True, default="")
    refused = models.CharField(max_length=64, blank=True, default="")
    expected_usd = PriceField()
    odds = models.FloatField(null=True, blank=True)
    live_policy = models.CharField(max_length=80)
    live_model = models.CharField(max_length=200)
    live_expected_usd = PriceField()
    live_odds = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["version", "created_at"], name="shadow_by_version")]

    def __str__(self) -> str:
        return f"shadow of message {self.message_ref}"
