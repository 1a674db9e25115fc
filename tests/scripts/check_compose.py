#!/usr/bin/env python3
"""Checks docker-compose.yml, and prints the environment of one service as lines NAME=VALUE.

    check_compose.py docker-compose.yml SERVICE

Variables come from the environment, as docker compose takes them. Ends with 3 where PyYAML is missing.
"""
import os
import re
import sys

try:
    import yaml
except ImportError:
    sys.exit(3)


def interpolated(text):
    def value(match):
        name, operator, word = match.group("name"), match.group("operator"), match.group("word")
        given = os.environ.get(name, "")
        if not given and operator == ":?":
            raise SystemExit(f"{name} is required: {word}")
        return given or (word if operator == ":-" else "")

    pattern = r"\$\{(?P<name>[A-Z_]+)(?:(?P<operator>:-|:\?)(?P<word>[^}]*))?\}"
    return re.sub(pattern, value, text).replace("$$", "$")


def check(condition, service, what):
    if not condition:
        raise SystemExit(f"{service}: {what}")


def main(path, wanted):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    # A default would be a password that everybody knows.
    defaults = re.findall(r"\$\{[A-Z_]*PASSWORD:-([^}]+)\}", text)
    check(not defaults, "all", f"passwords with defaults {defaults}")
    compose = yaml.safe_load(text)
    services, networks, volumes = compose["services"], compose["networks"], compose["volumes"]
    check(networks["cache"]["internal"] is True, "cache", "is not internal")
    addresses, engines = [], []
    for name, service in services.items():
        check("ports" not in service, name, "is published on the host")
        check(not service.get("privileged") and service["cap_drop"] == ["ALL"], name, "has capabilities")
        check(service["read_only"] is True, name, "may write its image")
        limits = service["deploy"]["resources"]["limits"]
        check({"cpus", "memory"} <= set(limits), name, "has no limits")
        for volume in service["volumes"]:
            source, target = volume.split(":")[:2]
            if source.startswith("./"):
                check(os.path.exists(os.path.join(os.path.dirname(path), source)), name, f"{source} is not there")
                check(volume.endswith(":ro"), name, f"{source} can be written")
            else:
                check(source in volumes and target == "/data", name, f"{volume} is no volume")
        for value in service["environment"].values():
            check("PASSWORD" not in value or value.startswith("${"), name, "holds a password")
        if name.startswith("engine-"):
            engines.append(service["environment"]["TICKCACHE_ENGINE_ID"])
            check(set(service["networks"]) == {"outside", "cache"}, name, "is in other networks")
            check(service["depends_on"]["redis"]["condition"] == "service_healthy", name, "does not wait")
        else:
            check(set(service["networks"]) == {"cache"}, name, "is in other networks")
            check("healthcheck" in service, name, "has no health check")
            addresses.append(service["networks"]["cache"]["ipv4_address"])
            check(service["environment"]["REDIS_ANNOUNCE"] == addresses[-1], name, "announces another address")
            check(any(":/data" in volume for volume in service["volumes"]), name, "has no volume")
        check((service.get("profiles") == ["ha"]) == ("replica" in name or "sentinel" in name), name, "profile")
    check(len(set(engines)) == len(engines) == 2, "engines", f"have names {engines}")
    check(len(set(addresses)) == len(addresses) == 5, "redis", f"have addresses {addresses}")
    for name, value in services[wanted]["environment"].items():
        print(f"{name}={interpolated(value)}")


main(*sys.argv[1:])
