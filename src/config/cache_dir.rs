//! Where files are kept that can be made anew at any time.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The word for [`CacheDir::Users`].
pub(super) const AUTO: &str = "auto";

/// Where files are kept that can be made anew at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheDir {
    /// `auto`: the user's own, `$XDG_CACHE_HOME/tickcache` or `~/.cache/tickcache`.
    Users,
    /// The empty text: nowhere.
    Nowhere,
    /// This one.
    At(PathBuf),
}

impl CacheDir {
    /// The folder, as far as there is one. `variable` looks into the environment.
    #[must_use]
    pub fn folder(&self, variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
        match self {
            Self::Users => {
                // What is not absolute counts as unset: https://specifications.freedesktop.org/basedir-spec/latest/
                let named = |name| variable(name).filter(|path| path.is_absolute());
                let base = named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")));
                base.map(|base| base.join("tickcache"))
            }
            Self::Nowhere => None,
            Self::At(path) => Some(path.clone()),
        }
    }
}

impl FromStr for CacheDir {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "" => Self::Nowhere,
            AUTO => Self::Users,
            path => Self::At(path.into()),
        })
    }
}

impl fmt::Display for CacheDir {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Users => formatter.write_str(AUTO),
            Self::Nowhere => Ok(()),
            Self::At(path) => write!(formatter, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_folder_is_the_systems_own() {
        let folder = |pairs: &'static [(&str, &str)]| {
            let value =
                |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
            CacheDir::Users.folder(value)
        };
        for (pairs, expected) in [
            (&[("XDG_CACHE_HOME", "/x"), ("HOME", "/h")][..], Some("/x/tickcache")),
            (&[("XDG_CACHE_HOME", ""), ("HOME", "/h")], Some("/h/.cache/tickcache")),
            (&[("XDG_CACHE_HOME", "relative")], None),
            (&[], None),
        ] {
            assert_eq!(folder(pairs), expected.map(PathBuf::from), "{pairs:?}");
        }
        let typed = |text: &str| text.parse::<CacheDir>().expect("it takes every text");
        assert_eq!(typed("").folder(|_| panic!("not asked")), None);
        assert_eq!(typed("a/b").folder(|_| panic!("not asked")), Some("a/b".into()));
        assert_eq!(["", "auto", "/a"].map(|text| typed(text).to_string()), ["", "auto", "/a"]);
    }
}
